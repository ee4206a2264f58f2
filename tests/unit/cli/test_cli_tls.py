"""A mesh over TLS at the command line: by options or environment, and in one line what to do where it fails."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modalmesh.tls import Tls
from tests.certificates import Authority
from tests.unit.cli.conftest import Verb
from tests.unit.client.scripted_gateway import ScriptedGateway


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "ca")


@pytest.fixture
def serve() -> Iterator[Callable[[Tls | None], str]]:
    """Starts gateways; each one's address."""
    running: list[ScriptedGateway] = []

    def start(tls: Tls | None) -> str:
        running.append(ScriptedGateway(tls=tls))
        return running[-1].address

    yield start
    for gateway in running:
        gateway.stop()


Serve = Callable[[Tls | None], str]


def flags(tls: Tls) -> list[str]:
    return ["--tls-ca", tls.ca, "--tls-certificate", tls.certificate, "--tls-key", tls.key]


@pytest.mark.parametrize("words", [["recommend", "ada"], ["status"], ["similar", "lamp"]])
def test_verbs_speak_mutual_tls_by_options(verb: Verb, authority: Authority, serve: Serve, words: list[str]) -> None:
    address = serve(authority.issue("server"))
    assert verb(*words, "--address", address, *flags(authority.issue("ada", "ada.example"))).code == 0


def test_verbs_speak_mutual_tls_by_environment(
    verb: Verb, authority: Authority, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, ada = serve(authority.issue("server")), authority.issue("ada")
    for name, value in (("CA", ada.ca), ("CERTIFICATE", ada.certificate), ("KEY", ada.key)):
        monkeypatch.setenv(f"MODALMESH_TLS_{name}", value)
    assert verb("recommend", "ada", "--address", address).code == 0


def test_a_name_can_be_given_for_a_forwarded_port(verb: Verb, authority: Authority, serve: Serve) -> None:
    address = serve(authority.issue("server", "mesh.example", ca=False))
    words = ("recommend", "ada", "--address", address, "--tls-ca", authority.ca_file)
    assert "[TLS_WRONG_NAME]" in verb(*words).stderr
    assert verb(*words, "--tls-server-name", "mesh.example").code == 0


def test_a_file_that_cant_be_used_is_wrong_use_and_named(verb: Verb, authority: Authority) -> None:
    ada = authority.issue("ada")
    outcome = verb("status", "--address", "127.0.0.1:1", "--tls-certificate", ada.certificate, "--json")
    assert outcome.code == 2
    assert outcome.document["error"]["reason"] == "WRONG_USE"
    assert "--tls-key" in outcome.document["error"]["message"]


def test_what_fails_is_one_line_of_this_program_alone(authority: Authority, tmp_path: Path, serve: Serve) -> None:
    address = serve(authority.issue("server"))
    strange = Authority.create(tmp_path / "other").ca_file
    done = subprocess.run(
        [sys.executable, "-m", "modalmesh", "recommend", "ada", "--address", address, "--tls-ca", strange],
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "GRPC_VERBOSITY"},
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("modalmesh: the certificate of the mesh at")
    assert line.endswith("[TLS_UNTRUSTED]")
