"""`modalmesh up` with certificates in its environment: all of it speaks mutual TLS, and a renewal needs nothing."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from modalmesh.local.mesh import MeshState, read_state
from modalmesh.tls import Tls, tls_environment
from tests.certificates import Authority
from tests.e2e.conftest import modalmesh
from tests.waiting import eventually

SERVICES = ("text-encoder", "image-encoder", "fusion-ranker")


@dataclass(frozen=True)
class Secured:
    home: Path
    authority: Authority

    @property
    def state(self) -> MeshState:
        state = read_state(self.home)
        assert state is not None
        return state

    def serving(self) -> set[str]:
        """The services that the gateway reaches."""
        document = json.loads(modalmesh("status", "--json", home=self.home).stdout)
        return {each["name"] for each in document["gateway"]["services"] if each["serving"]}


@pytest.fixture
def secured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Secured]:
    authority = Authority.create(tmp_path / "ca")
    for name, value in tls_environment(authority.issue("mesh")).items():
        monkeypatch.setenv(name, value)
    mesh = Secured(tmp_path / "home", authority)
    started = modalmesh("up", "--detach", "--port", "0", home=mesh.home)
    assert started.returncode == 0, started.stderr
    yield mesh
    modalmesh("down", home=mesh.home)


@pytest.mark.slow
def test_a_mesh_under_mutual_tls_starts_serves_and_takes_up_renewed_certificates(
    secured: Secured, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert secured.serving() == set(SERVICES)

    secured.authority.issue("mesh")
    encoder = secured.state.child("text-encoder")
    psutil.Process(encoder.pid).kill()
    eventually(lambda: secured.state.child("text-encoder").restarts == 1 and secured.serving() == set(SERVICES), 60)

    for name in tls_environment(Tls()):
        monkeypatch.delenv(name)
    for service in ("gateway", *SERVICES):
        refused = modalmesh("recommend", "ada", "--address", secured.state.child(service).address, home=secured.home)
        assert (refused.returncode, "[TLS_WANTED]" in refused.stderr) == (1, True)


@pytest.mark.slow
def test_a_mesh_is_known_to_callers_by_another_ca_than_within(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    company, inner = Authority.create(tmp_path / "company"), Authority.create(tmp_path / "inner")
    services = tls_environment(inner.issue("services"))
    for name, value in services.items():
        monkeypatch.setenv(name.replace("MODALMESH_", "MODALMESH_SERVICES_"), value)
    monkeypatch.delenv("MODALMESH_SERVICES_TLS_SERVER_NAME")
    for name, value in tls_environment(company.issue("gateway")).items():
        monkeypatch.setenv(name, value)
    mesh = Secured(tmp_path / "home", company)
    started = modalmesh("up", "--detach", "--port", "0", home=mesh.home)
    assert started.returncode == 0, started.stderr
    try:
        assert mesh.serving() == set(SERVICES)
        for service in SERVICES:
            refused = modalmesh("status", "--address", mesh.state.child(service).address, home=mesh.home)
            assert "is signed by nobody" in refused.stdout
    finally:
        modalmesh("down", home=mesh.home)
