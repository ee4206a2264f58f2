"""With which certificates the servers of a mesh on one machine speak, and how its supervisor asks for their health."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from modalmesh.tls import Tls

_GATEWAY, _SERVICES = "MODALMESH_", "MODALMESH_SERVICES_"
_SETTINGS = {"ca": "TLS_CA", "certificate": "TLS_CERTIFICATE", "key": "TLS_KEY"}


@dataclass(frozen=True, slots=True)
class Security:
    """Of one server: what is put over its `environment`, and who a `caller` of it has to be; none: plaintext."""

    caller: Tls | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def security(prefix: str, environment: Mapping[str, str]) -> Security:
    """That of the server whose settings begin with `prefix`.

    A service without a certificate of its own has the one that the gateway shows services, where that calls them over
    TLS: where it has a CA to know them by.
    """
    own = _files(prefix, environment)
    if prefix == _GATEWAY:
        return _secured(own, own, {})
    # Where it has none for services, those by which its callers know it.
    shown = _files(_SERVICES, environment).over(_files(_GATEWAY, environment))
    if own != Tls() or not shown.ca:
        return _secured(own, shown, {})
    return _secured(shown, shown, {f"{prefix}{name}": getattr(shown, field) for field, name in _SETTINGS.items()})


def _files(prefix: str, environment: Mapping[str, str]) -> Tls:
    return Tls(**{field: environment.get(f"{prefix}{name}", "") for field, name in _SETTINGS.items()})


def _secured(server: Tls, shown: Tls, environment: Mapping[str, str]) -> Security:
    """On this machine a server is known by its very certificate, whoever has signed it."""
    if not server.certificate:
        return Security()
    return Security(Tls(server.certificate, shown.certificate, shown.key), environment)
