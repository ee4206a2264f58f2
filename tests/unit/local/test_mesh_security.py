"""Which certificates the servers of a mesh on one machine have, by its environment."""

import pytest

from modalmesh.local.children import mesh_spec
from modalmesh.local.readiness import GrpcHealth
from modalmesh.local.security import Security, security
from modalmesh.local.state import Home
from modalmesh.tls import Tls

GATEWAY = {
    "MODALMESH_TLS_CERTIFICATE": "mesh.pem",
    "MODALMESH_TLS_KEY": "mesh.key",
    "MODALMESH_TLS_CA": "ca.pem",
}
TEXT = "MODALMESH_TEXT_ENCODER_"


def test_a_mesh_that_is_told_nothing_speaks_plaintext() -> None:
    assert security(TEXT, {}) == security("MODALMESH_", {}) == Security()


def test_services_have_the_gateways_certificate_where_they_have_none_of_their_own() -> None:
    secured = security(TEXT, GATEWAY)
    assert secured.environment == {name.replace("MODALMESH_", TEXT): value for name, value in GATEWAY.items()}
    assert secured.caller == Tls("mesh.pem", "mesh.pem", "mesh.key")


def test_a_service_keeps_its_own_certificate() -> None:
    own = {f"{TEXT}TLS_CERTIFICATE": "text.pem", f"{TEXT}TLS_KEY": "text.key"}
    assert security(TEXT, GATEWAY | own) == Security(Tls("text.pem", "mesh.pem", "mesh.key"))


def test_a_gateway_without_a_ca_speaks_tls_with_its_callers_alone() -> None:
    without_ca = GATEWAY | {"MODALMESH_TLS_CA": ""}
    assert security(TEXT, without_ca) == Security()
    assert security("MODALMESH_", without_ca).caller == Tls("mesh.pem", "mesh.pem", "mesh.key")


def test_services_have_what_the_gateway_shows_them_where_that_is_another_certificate() -> None:
    inner = {name.replace("MODALMESH_", "MODALMESH_SERVICES_"): f"inner-{value}" for name, value in GATEWAY.items()}
    secured = security(TEXT, GATEWAY | inner)
    assert secured.environment == {
        f"{TEXT}TLS_CERTIFICATE": "inner-mesh.pem",
        f"{TEXT}TLS_KEY": "inner-mesh.key",
        f"{TEXT}TLS_CA": "inner-ca.pem",
    }
    assert secured.caller == Tls("inner-mesh.pem", "inner-mesh.pem", "inner-mesh.key")
    assert security("MODALMESH_", GATEWAY | inner).caller == Tls("mesh.pem", "mesh.pem", "mesh.key")


def test_the_supervisor_asks_each_child_as_its_security_says(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GATEWAY.items():
        monkeypatch.setenv(name, value)
    spec = mesh_spec(home, 50_050, "redis://elsewhere:6379/0")
    for child in spec.children:
        assert child.readiness == GrpcHealth(child.address, Tls("mesh.pem", "mesh.pem", "mesh.key"))
