"""What no setting is called is named at the start; what is in effect is shown, without passwords."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from modalmesh_services.common.configuration.environment import HoldsSecret
from modalmesh_services.common.configuration.settings import ServerSettings

ROOT = Path(__file__).resolve().parents[3]
GIVEN = "redis://reader:opensesame@cache:6379/0"


class ToySettings(ServerSettings):
    model_config = SettingsConfigDict(env_prefix="MODALMESH_TOY_")

    model: str = Field("packaged", description="what to play")
    url: Annotated[str, HoldsSecret(), Field(pattern="^(redis://.*)?$")] = Field("", description="where toys are kept")


def load(*arguments: str) -> ToySettings:
    return ToySettings.load("toy", "A toy.", arguments)


def refusals(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    with pytest.raises(SystemExit) as caught:
        load(*arguments)
    assert caught.value.code == 2
    return capsys.readouterr().err.splitlines()


def in_effect(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    with pytest.raises(SystemExit) as caught:
        load(*arguments, "--print-config")
    assert caught.value.code == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)["settings"]
    return told


@pytest.mark.parametrize("arguments", [("--prot", "1"), ("--prot=1",)])
def test_an_unknown_flag_is_told_with_the_one_that_was_meant(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert refusals(capsys, *arguments) == ["toy: --prot: there is no such flag: did you mean --port?"]


def test_the_beginning_of_a_flag_is_no_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert refusals(capsys, "--metrics", "1")[0].startswith("toy: --metrics: there is no such flag")


def test_a_word_that_belongs_to_no_flag_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert refusals(capsys, "--port", "1", "2") == ["toy: '2': belongs to no flag"]


@pytest.mark.parametrize("misspelt", ["MODLE", "MODELL", "MODE", "MODEK"])
def test_a_misspelt_variable_is_refused_with_the_one_that_was_meant(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, misspelt: str
) -> None:
    monkeypatch.setenv(f"MODALMESH_TOY_{misspelt}", "bert")
    expected = f"toy: MODALMESH_TOY_{misspelt}: there is no such setting: did you mean MODALMESH_TOY_MODEL?"
    assert refusals(capsys) == [expected]


def test_a_variable_like_none_of_ours_is_told_and_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODALMESH_TOY_VERSION", "3")
    assert load().warnings == ("MODALMESH_TOY_VERSION: there is no such setting; it is ignored",)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MODALMESH_TOY_PORT", "tcp://10.0.0.1:50051"),
        ("MODALMESH_TOY_PORT_50051_TCP", "tcp://10.0.0.1:50051"),
        ("MODALMESH_TOY_PORT_50051_TCP_ADDR", "10.0.0.1"),
        ("MODALMESH_TOY_SERVICE_HOST", "10.0.0.1"),
        ("MODALMESH_TOY_SERVICE_PORT", "50051"),
        ("MODALMESH_TOY_SERVICE_PORT_GRPC", "50051"),
    ],
)
def test_what_kubernetes_says_of_a_service_of_that_name_is_no_setting(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    settings = load()
    assert (settings.port, settings.warnings) == (0, ())


def test_all_that_is_wrong_is_told_at_once_and_in_one_line_each(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODALMESH_TOY_MODLE", "bert")
    monkeypatch.setenv("MODALMESH_TOY_METRICS_PORT", "many")
    monkeypatch.setenv("MODALMESH_TOY_URL_FILE", "/nowhere")
    lines = refusals(capsys, "--colour", "red", "--grace-seconds", "-1")
    named = ("--colour", "MODALMESH_TOY_MODLE", "MODALMESH_TOY_METRICS_PORT", "--grace-seconds", "MODALMESH_TOY_URL")
    assert sorted(next(name for name in named if name in line) for line in lines) == sorted(named)


def test_what_is_in_effect_says_where_it_came_from(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODALMESH_TOY_PORT", "1")
    monkeypatch.setenv("MODALMESH_TOY_MODEL", "bert")
    told = in_effect(capsys, "--port", "2")
    assert told["port"] == {"value": 2, "from": "flag", "flag": "--port", "variable": "MODALMESH_TOY_PORT"}
    assert (told["model"]["value"], told["model"]["from"]) == ("bert", "environment")
    assert (told["grace_seconds"]["value"], told["grace_seconds"]["from"]) == (10.0, "default")


def test_a_secret_may_come_from_a_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "url"
    file.write_text(GIVEN + "\n")
    monkeypatch.setenv("MODALMESH_TOY_URL_FILE", str(file))
    assert load().url == GIVEN
    told = in_effect(capsys)["url"]
    assert (told["value"], told["from"], told["file"]) == ("redis://reader:***@cache:6379/0", "file", str(file))


def test_an_empty_name_of_a_file_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODALMESH_TOY_URL_FILE", "")
    monkeypatch.setenv("MODALMESH_TOY_URL", GIVEN)
    assert load().url == GIVEN


def test_a_value_and_a_file_are_one_too_many(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MODALMESH_TOY_URL_FILE", str(tmp_path / "url"))
    monkeypatch.setenv("MODALMESH_TOY_URL", GIVEN)
    (line,) = refusals(capsys)
    assert line.endswith("MODALMESH_TOY_URL and MODALMESH_TOY_URL_FILE are both set: one is enough")


def test_a_file_is_only_for_what_may_hold_a_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODALMESH_TOY_GRACE_SECONDS_FILE", str(tmp_path / "seconds"))
    assert load().warnings[0].startswith("MODALMESH_TOY_GRACE_SECONDS_FILE: there is no such setting")


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "is empty"), (b"\xff", "holds no text"), (b"r" * 70_000, "is too large")]
)
def test_a_file_that_cannot_be_used_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes, reason: str
) -> None:
    file = tmp_path / "url"
    file.write_bytes(content)
    monkeypatch.setenv("MODALMESH_TOY_URL_FILE", str(file))
    assert refusals(capsys) == [f"toy: --url (MODALMESH_TOY_URL): MODALMESH_TOY_URL_FILE: {file} {reason}"]


def test_a_refused_secret_is_not_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "url"
    file.write_text(GIVEN.replace("redis", "http"))
    monkeypatch.setenv("MODALMESH_TOY_URL_FILE", str(file))
    (line,) = refusals(capsys)
    assert "opensesame" not in line
    assert "MODALMESH_TOY_URL" in line


def test_settings_without_a_prefix_claim_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROT", "1")
    assert ServerSettings.load("plain", "", ()).warnings == ()


def test_a_server_logs_what_is_of_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys\n"
        "from modalmesh_services.common.server import main\n"
        "from tests.unit.common.test_configuration import load\n"
        "async def nothing(): pass\n"
        "sys.exit(main(nothing, load('--log-format', 'json'), 'toy'))\n"
    )
    monkeypatch.setenv("MODALMESH_TOY_VERSION", "3")
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    (line,) = map(json.loads, ran.stderr.splitlines())
    assert "MODALMESH_TOY_VERSION: there is no such setting" in json.dumps(line)
