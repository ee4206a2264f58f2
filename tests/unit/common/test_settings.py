"""Flags over environment over defaults; what is wrong is named by flag and variable."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError
from pydantic_settings import SettingsConfigDict

from modalmesh.tls import Tls
from modalmesh_services.common.configuration.settings import ServerSettings
from tests.certificates import Authority


class ToySettings(ServerSettings):
    model_config = SettingsConfigDict(env_prefix="MODALMESH_TOY_")

    batch_inputs: int = Field(64, gt=0, description="most inputs a call")


def load(*arguments: str) -> ToySettings:
    return ToySettings.load("toy", "A toy.", arguments)


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as caught:
        load(*arguments)
    assert caught.value.code == 2
    return capsys.readouterr().err


def test_defaults_stand_where_nothing_is_said() -> None:
    assert (load().host, load().port, load().batch_inputs) == ("127.0.0.1", 0, 64)


def test_environment_wins_over_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODALMESH_TOY_BATCH_INPUTS", "7")
    assert load().batch_inputs == 7


def test_flags_win_over_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODALMESH_TOY_BATCH_INPUTS", "7")
    monkeypatch.setenv("MODALMESH_TOY_PORT", "50051")
    settings = load("--batch-inputs", "9")
    assert (settings.batch_inputs, settings.port) == (9, 50051)


def test_another_servers_environment_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODALMESH_TEXT_ENCODER_PORT", "50051")
    monkeypatch.setenv("PORT", "50052")
    assert load().port == 0


@given(st.integers(0, 65535))
def test_every_port_is_taken(port: int) -> None:
    assert load("--port", str(port)).port == port


@pytest.mark.parametrize("value", ["65536", "-1", "http", "", "1.5"])
def test_a_bad_flag_exits_2_naming_flag_and_variable(capsys: pytest.CaptureFixture[str], value: str) -> None:
    message = refusal(capsys, f"--port={value}")
    assert message.startswith("toy: --port (MODALMESH_TOY_PORT): ")
    assert repr(value) in message


@pytest.mark.parametrize(
    ("variable", "flag", "value"),
    [
        ("MODALMESH_TOY_PORT", "--port", "high"),
        ("MODALMESH_TOY_BATCH_INPUTS", "--batch-inputs", "0"),
        ("MODALMESH_TOY_GRACE_SECONDS", "--grace-seconds", "-1"),
        ("MODALMESH_TOY_LOG_LEVEL", "--log-level", "LOUD"),
    ],
)
def test_a_bad_variable_exits_2_naming_flag_and_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, variable: str, flag: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert refusal(capsys).startswith(f"toy: {flag} ({variable}): ")


def test_all_that_is_wrong_is_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    lines = refusal(capsys, "--port", "x", "--batch-inputs", "y").splitlines()
    assert len(lines) == 2


def test_an_unknown_flag_exits_2_and_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--colour" in refusal(capsys, "--colour", "red")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path)


def tls_flags(tls: Tls) -> list[str]:
    return [f"--tls-certificate={tls.certificate}", f"--tls-key={tls.key}", f"--tls-ca={tls.ca}"]


def test_without_files_a_server_speaks_plaintext() -> None:
    assert load().tls is None


def test_a_server_speaks_tls_by_its_files(authority: Authority) -> None:
    files = authority.issue("toy")
    assert load(*tls_flags(files)).tls == files


@pytest.mark.parametrize("field", ["certificate", "key", "ca"])
def test_a_tls_file_that_cant_be_read_exits_2_and_is_named(
    capsys: pytest.CaptureFixture[str], authority: Authority, field: str
) -> None:
    files = authority.issue("toy")
    Path(getattr(files, field)).unlink()
    (line,) = refusal(capsys, *tls_flags(files)).splitlines()
    keys = f"--tls-{field} (MODALMESH_TOY_TLS_{field.upper()})"
    assert line.startswith(f"toy: {keys}: {getattr(files, field)} can't be read: ")


def test_tls_files_that_dont_belong_together_exit_2_and_are_named(
    capsys: pytest.CaptureFixture[str], authority: Authority
) -> None:
    files, other = authority.issue("toy"), authority.issue("other")
    mixed = Tls(files.ca, files.certificate, other.key)
    assert "--tls-key (MODALMESH_TOY_TLS_KEY): " in refusal(capsys, *tls_flags(mixed))
    assert "--tls-key" in refusal(capsys, f"--tls-certificate={files.certificate}")
    assert "--tls-key" in refusal(capsys, f"--tls-key={files.key}")
    assert "--tls-ca (MODALMESH_TOY_TLS_CA): is of no use" in refusal(capsys, f"--tls-ca={files.ca}")


def test_help_has_an_example_and_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        load("--help")
    text = capsys.readouterr().out
    assert caught.value.code == 0
    assert "example: toy --port 50051" in text
    assert all(f"--{name.replace('_', '-')}" in text for name in ToySettings.model_fields)


def test_help_names_the_environment_variables(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        load("--help")
    assert "MODALMESH_TOY_PORT" in capsys.readouterr().out


def test_settings_never_change_once_read() -> None:
    settings = load()
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1  # type: ignore[misc] # what mypy forbids is what is tried
