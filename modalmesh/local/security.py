"""With which certificates the servers of a mesh on one machine speak, and how its supervisor asks for their health."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from modalmesh.tls import Tls

_GATEWAY, _SERVICES = "MODALMESH_", "MODALMESH_SERVICES_"
_SETTINGS = ("TLS_CERTIFICATE", "TLS_KEY", "TLS_CA")


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
        return Security(_caller(own, own)) if own["TLS_CERTIFICATE"] else Security()
    shown = _shown_to_services(environment)
    inherits = not any(own.values()) and bool(shown["TLS_CA"])
    found = shown if inherits else own
    if not found["TLS_CERTIFICATE"]:
        return Security()
    put = {f"{prefix}{name}": value for name, value in found.items()} if inherits else {}
    return Security(_caller(found, shown), put)


def _files(prefix: str, environment: Mapping[str, str]) -> dict[str, str]:
    return {name: environment.get(f"{prefix}{name}", "") for name in _SETTINGS}


def _shown_to_services(environment: Mapping[str, str]) -> dict[str, str]:
    """The gateway's own as a caller: where it has none for services, those by which its callers know it."""
    callers, services = _files(_GATEWAY, environment), _files(_SERVICES, environment)
    if not services["TLS_CERTIFICATE"]:
        services |= {name: callers[name] for name in ("TLS_CERTIFICATE", "TLS_KEY")}
    return {**services, "TLS_CA": services["TLS_CA"] or callers["TLS_CA"]}


def _caller(server: Mapping[str, str], shown: Mapping[str, str]) -> Tls:
    """On this machine a server is known by its very certificate, whoever has signed it."""
    return Tls(server["TLS_CERTIFICATE"], shown["TLS_CERTIFICATE"], shown["TLS_KEY"])
