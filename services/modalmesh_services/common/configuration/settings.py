"""Settings: filled once from flags and environment; a bad value names its key. Knows no grpc."""

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from modalmesh.errors import InvalidInput
from modalmesh.tls import Tls, check_certificates, check_key, tls_or_none
from modalmesh_services.common.configuration.reading import Configuration


def check_tls_file(file: str, info: ValidationInfo, prefix: str = "") -> None:
    """A setting that ends in tls_certificate, tls_key or tls_ca, beside those above it that begin likewise."""
    field, certificate = str(info.field_name), f"{prefix}tls_certificate"
    try:
        if field == f"{prefix}tls_key" and certificate in info.data:
            check_key(info.data[certificate], file)
        elif field != f"{prefix}tls_key" and file:
            check_certificates(field, file)
    except InvalidInput as error:
        raise PydanticCustomError("tls", "{detail}", {"detail": error.detail}) from error


class ServerSettings(Configuration):
    """What every server takes. Flags win over environment, environment over defaults."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(0, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    metrics_port: int = Field(0, ge=0, le=65535, description="port for Prometheus at /metrics; 0 is none")
    max_message_bytes: int = Field(64 * 1024 * 1024, gt=0, description="largest message, either way")
    grace_seconds: float = Field(10.0, ge=0, description="how long a stop waits for calls under way")
    connection_seconds: float = Field(
        300.0,
        ge=0,
        le=86_400,
        description="age at which a caller's connection is renewed, so that new replicas get work; 0 is never",
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="least level that is logged")
    log_format: Literal["text", "json"] = Field("text", description="text for people, or json: an object a line")
    tls_certificate: str = Field("", description="PEM file of this server's certificate; empty: it speaks plaintext")
    tls_key: str = Field("", description="PEM file of the certificate's key")
    tls_ca: str = Field(
        "",
        description="PEM file of the CA that must have signed callers' certificates; empty: none is asked for",
    )
    metrics_tls: bool = Field(False, description="true: the metrics port speaks TLS, and asks Prometheus for as much")

    @property
    def tls(self) -> Tls | None:
        """The files by which this server is known; none where it speaks plaintext."""
        return tls_or_none({"certificate": self.tls_certificate, "key": self.tls_key, "ca": self.tls_ca})

    @property
    def shown_metrics_tls(self) -> Tls | None:
        """The files by which the metrics port is known; none where it is plaintext."""
        return self.tls if self.metrics_tls else None

    @field_validator("metrics_tls")
    @classmethod
    def _check_metrics_tls(cls, wanted: bool, info: ValidationInfo) -> bool:
        if wanted and info.data.get("tls_certificate") == "":
            raise PydanticCustomError("tls", "is of no use without tls_certificate and tls_key")
        return wanted

    @field_validator("tls_certificate", "tls_key", "tls_ca")
    @classmethod
    def _check_tls(cls, file: str, info: ValidationInfo) -> str:
        check_tls_file(file, info)
        if info.field_name == "tls_ca" and file and info.data.get("tls_certificate") == "":
            raise PydanticCustomError("tls", "is of no use without tls_certificate and tls_key")
        return file
