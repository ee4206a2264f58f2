"""With which certificates the servers of a mesh on one machine speak, and how its supervisor asks for their health."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from modalmesh.tls import Tls, tls_of_environment

_GATEWAY = "MODALMESH_"
_SETTINGS = ("TLS_CERTIFICATE", "TLS_KEY", "TLS_CA")


@dataclass(frozen=True, slots=True)
class Security:
    """Of one server: what is put over its `environment`, and who a `caller` of it has to be; none: plaintext."""

    caller: Tls | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def security(prefix: str, environment: Mapping[str, str]) -> Security:
    """That of the server whose settings begin with `prefix`.

    A service without a certificate of its own has the gateway's, where that calls the services over TLS: where it has
    a CA to know them by.
    """
    own = {name: environment.get(f"{prefix}{name}", "") for name in _SETTINGS}
    shared = {name: environment.get(f"{_GATEWAY}{name}", "") for name in _SETTINGS}
    inherits = not any(own.values()) and bool(shared["TLS_CA"])
    found = shared if inherits else own
    if not found["TLS_CERTIFICATE"]:
        return Security()
    gateway = tls_of_environment(environment) or Tls()
    # On this machine it is known by its very certificate, whoever has signed it.
    caller = Tls(found["TLS_CERTIFICATE"], gateway.certificate, gateway.key)
    return Security(caller, {f"{prefix}{name}": value for name, value in found.items()} if inherits else {})
