"""Which files a caller or a server speaks TLS with, and whether they can be used. Knows no grpc."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modalmesh.errors import InvalidInput

ENVIRONMENT = {
    "ca": "MODALMESH_TLS_CA",
    "certificate": "MODALMESH_TLS_CERTIFICATE",
    "key": "MODALMESH_TLS_KEY",
    "server_name": "MODALMESH_TLS_SERVER_NAME",
}
"""Where a caller finds each field of its Tls when nothing else says it."""

Stamp = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files, empty where there is none.

    `ca` has the certificates of those who may sign the other side's; a caller without one trusts the public CAs, a
    server without one asks its callers for no certificate. `certificate` (with those between it and the CA behind it)
    and `key` are one's own. `server_name` is the name that a server's certificate must have where that isn't the one
    in the address, such as behind a forwarded port.
    """

    ca: str = ""
    certificate: str = ""
    key: str = ""
    server_name: str = ""

    def check(self) -> None:
        """Raises:
        InvalidInput: the files can't be used together; the field is that of the one to blame.
        """
        if self.certificate:
            check_certificates("certificate", self.certificate)
        check_key(self.certificate, self.key)
        if self.ca:
            check_certificates("ca", self.ca)

    def over(self, other: "Tls") -> "Tls":
        """These files, and of another's what is missing: its CA, and its certificate together with the key."""
        own = self if self.certificate else other
        return Tls(self.ca or other.ca, own.certificate, own.key)

    def stamp(self) -> Stamp:
        """Another one as soon as a file was replaced.

        Raises:
            OSError: a file is gone.
        """
        found = [os.stat(name) for name in (self.ca, self.certificate, self.key) if name]
        return tuple((each.st_ino, each.st_size, each.st_mtime_ns) for each in found)


def tls_of_environment(environment: Mapping[str, str] | None = None) -> Tls | None:
    """What MODALMESH_TLS_CA, _CERTIFICATE, _KEY and _SERVER_NAME say; none where they say nothing: plaintext."""
    found = os.environ if environment is None else environment
    return tls_or_none({field: found.get(name, "") for field, name in ENVIRONMENT.items()})


def tls_environment(tls: Tls | None) -> dict[str, str]:
    """The variables that say the same to another process, those that are empty included."""
    return {name: getattr(tls, field) if tls else "" for field, name in ENVIRONMENT.items()}


def tls_or_none(fields: Mapping[str, str]) -> Tls | None:
    return Tls(**fields) if any(fields.values()) else None


def check_certificates(field: str, name: str) -> None:
    """Raises:
    InvalidInput: the file can't be read or has no whole certificate.
    """
    _readable(field, name)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=name)
    except ssl.SSLError as error:
        raise InvalidInput(field, f"{name} has no whole certificate in PEM", reason="NO_CERTIFICATE") from error


def check_key(certificate: str, key: str) -> None:
    """Raises:
    InvalidInput: there is one without the other, or the key isn't the certificate's or can't be read.
    """
    if not certificate and not key:
        return
    if not key:
        raise InvalidInput("key", "is missing: a certificate is of no use without it", reason="INCOMPLETE")
    if not certificate:
        raise InvalidInput("certificate", "is missing: a key is of no use without it", reason="INCOMPLETE")
    _readable("key", key)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise InvalidInput("key", f"{key} is not the key of {certificate}", reason="KEY_MISMATCH") from error
        raise InvalidInput("key", f"{key} has no whole private key in PEM", reason="NO_KEY") from error


def _readable(field: str, name: str) -> None:
    try:
        Path(name).read_bytes()
    except OSError as error:
        raise InvalidInput(field, f"{name} can't be read: {error.strerror}", reason="UNREADABLE") from error


def _no_password() -> str:
    """Asked for by an encrypted key: without this, OpenSSL would ask at the terminal."""
    raise InvalidInput("key", "is encrypted: servers have nobody to ask for its password", reason="KEY_ENCRYPTED")
