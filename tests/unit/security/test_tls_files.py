"""Which files can be used, and which are named with the reason."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from modalmesh.errors import InvalidInput
from modalmesh.tls import Tls, tls_environment, tls_of_environment
from tests.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path)


def refusal(tls: Tls) -> tuple[str, str]:
    with pytest.raises(InvalidInput) as refused:
        tls.check()
    return refused.value.field, refused.value.reason


def torn(name: str) -> str:
    """The first half of a file."""
    content = Path(name).read_bytes()
    Path(name).write_bytes(content[: len(content) // 2])
    return name


def test_a_certificate_with_its_key_and_a_ca_can_be_used(authority: Authority) -> None:
    authority.issue("server").check()


def test_a_ca_alone_can_be_used_by_a_caller(authority: Authority) -> None:
    Tls(authority.ca_file).check()


@pytest.mark.parametrize("field", ["ca", "certificate", "key"])
def test_a_file_that_is_not_there_is_named(authority: Authority, field: str) -> None:
    tls = authority.issue("server")
    Path(getattr(tls, field)).unlink()
    assert refusal(tls) == (field, "UNREADABLE")


@pytest.mark.parametrize(
    ("field", "reason"), [("ca", "NO_CERTIFICATE"), ("certificate", "NO_CERTIFICATE"), ("key", "NO_KEY")]
)
def test_a_torn_file_is_named(authority: Authority, field: str, reason: str) -> None:
    tls = authority.issue("server")
    torn(getattr(tls, field))
    assert refusal(tls) == (field, reason)


def test_an_empty_file_has_no_certificate(authority: Authority) -> None:
    tls = authority.issue("server")
    Path(tls.certificate).write_bytes(b"")
    assert refusal(tls) == ("certificate", "NO_CERTIFICATE")


def test_a_folder_is_no_file(authority: Authority, tmp_path: Path) -> None:
    assert refusal(Tls(str(tmp_path))) == ("ca", "UNREADABLE")


def test_the_key_of_another_certificate_is_refused(authority: Authority) -> None:
    server, other = authority.issue("server"), authority.issue("other")
    assert refusal(Tls(server.ca, server.certificate, other.key)) == ("key", "KEY_MISMATCH")


def test_a_certificate_needs_its_key_and_a_key_its_certificate(authority: Authority) -> None:
    server = authority.issue("server")
    assert refusal(Tls(certificate=server.certificate)) == ("key", "INCOMPLETE")
    assert refusal(Tls(key=server.key)) == ("certificate", "INCOMPLETE")


def test_nobody_is_asked_for_the_password_of_an_encrypted_key(authority: Authority) -> None:
    server = authority.issue("server")
    key = load_pem_private_key(Path(server.key).read_bytes(), None)
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    Path(server.key).write_bytes(encrypted)
    assert refusal(server) == ("key", "KEY_ENCRYPTED")


def test_a_caller_has_what_its_environment_says() -> None:
    found = {"MODALMESH_TLS_CA": "ca.pem", "MODALMESH_TLS_SERVER_NAME": "mesh.example", "MODALMESH_HOME": "elsewhere"}
    assert tls_of_environment(found) == Tls("ca.pem", server_name="mesh.example")
    assert tls_of_environment({"MODALMESH_TLS_CA": ""}) is None


@pytest.mark.parametrize("tls", [None, Tls("ca.pem", "one.pem", "one.key", "mesh.example")])
def test_an_environment_says_the_same_to_another_process(tls: Tls | None) -> None:
    assert tls_of_environment(tls_environment(tls)) == tls
