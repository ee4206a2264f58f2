"""Settings: filled once from flags and environment; a bad value names its key. Knows no grpc."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, CliSettingsSource, SettingsConfigDict

from modalmesh.errors import InvalidInput
from modalmesh.tls import Tls, check_certificates, check_key, tls_or_none


class ServerSettings(BaseSettings):
    """What every server takes. Flags win over environment, environment over defaults."""

    model_config = SettingsConfigDict(frozen=True, cli_kebab_case=True, extra="ignore", cli_hide_none_type=True)

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(0, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    metrics_port: int = Field(0, ge=0, le=65535, description="port for Prometheus at /metrics; 0 is none")
    max_message_bytes: int = Field(64 * 1024 * 1024, gt=0, description="largest message, either way")
    grace_seconds: float = Field(10.0, ge=0, description="how long a stop waits for calls under way")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="least level that is logged")
    tls_certificate: str = Field("", description="PEM file of this server's certificate; empty: it speaks plaintext")
    tls_key: str = Field("", description="PEM file of the certificate's key")
    tls_ca: str = Field(
        "", description="PEM file of the CA by which callers' certificates are checked; empty: none is asked for"
    )

    @property
    def tls(self) -> Tls | None:
        """The files by which this server is known; none where it speaks plaintext."""
        return tls_or_none({"certificate": self.tls_certificate, "key": self.tls_key, "ca": self.tls_ca})

    @field_validator("tls_certificate", "tls_key", "tls_ca")
    @classmethod
    def _check_tls(cls, name: str, info: ValidationInfo) -> str:
        """One of the three, beside those above it."""
        certificate = info.data.get("tls_certificate", "")
        try:
            if info.field_name == "tls_key" and "tls_certificate" in info.data:
                check_key(certificate, name)
            elif info.field_name != "tls_key" and name:
                check_certificates(str(info.field_name), name)
        except InvalidInput as error:
            raise PydanticCustomError("tls", "{detail}", {"detail": error.detail}) from error
        if info.field_name == "tls_ca" and name and not certificate:
            raise PydanticCustomError("tls", "is of no use without tls_certificate and tls_key")
        return name

    @classmethod
    def load(cls, program: str, description: str, arguments: Sequence[str] | None = None) -> Self:
        """Read flags and environment.

        Exits with 2 and one line an error, each naming flag and environment variable, when a value is wrong.
        """
        parser = argparse.ArgumentParser(
            prog=program,
            description=description,
            epilog=f"example: {program} --port 50051. Every flag is also an environment variable: "
            f"--port is {cls.model_config.get('env_prefix', '')}PORT.",
        )
        source: CliSettingsSource[Any] = CliSettingsSource(cls, root_parser=parser)
        try:
            return cls(_cli_settings_source=source(args=list(arguments) if arguments is not None else True))
        except ValidationError as error:
            cls._exit_naming_keys(program, error)

    @classmethod
    def _exit_naming_keys(cls, program: str, error: ValidationError) -> NoReturn:
        prefix = cls.model_config.get("env_prefix", "")
        for problem in error.errors():
            name = ".".join(str(part) for part in problem["loc"])
            keys = f"--{name.replace('_', '-')} ({prefix}{name.upper()})"
            sys.stderr.write(f"{program}: {keys}: {problem['msg']}, got {problem['input']!r}\n")
        sys.exit(2)
