"""A mesh whose servers would refuse their settings isn't begun."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from modalmesh.local.checking import check_settings
from modalmesh.local.mesh import WrongSettings, run_mesh, start_mesh

REDIS = "redis://127.0.0.1:6379/0"


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MODALMESH_REDIS_URL", "MODALMESH_REDIS_URL_FILE"):
        monkeypatch.delenv(name, raising=False)


def test_what_is_wrong_with_any_server_is_told_as_that_server_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODALMESH_TEXT_ENCODER_MODLE", "bert")
    monkeypatch.setenv("MODALMESH_IMAGE_ENCODER_THREADS", "many")
    monkeypatch.setenv("MODALMESH_REDIS_URL", "localhost")
    with pytest.raises(WrongSettings) as caught:
        check_settings(None)
    beginnings = [line.split(": ")[:2] for line in caught.value.lines]
    assert beginnings == [
        ["modalmesh-text-encoder", "MODALMESH_TEXT_ENCODER_MODLE"],
        ["modalmesh-image-encoder", "--threads (MODALMESH_IMAGE_ENCODER_THREADS)"],
        ["modalmesh-gateway", "--redis-url (MODALMESH_REDIS_URL)"],
    ]


def test_it_is_told_to_people_also_where_servers_log_for_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODALMESH_TEXT_ENCODER_LOG_FORMAT", "json")
    monkeypatch.setenv("MODALMESH_TEXT_ENCODER_MODLE", "bert")
    with pytest.raises(WrongSettings) as caught:
        check_settings(REDIS)
    assert caught.value.lines[0].startswith("modalmesh-text-encoder: MODALMESH_TEXT_ENCODER_MODLE: ")


def test_a_redis_that_is_chosen_is_checked_instead_of_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODALMESH_REDIS_URL", "localhost")
    check_settings(REDIS)
    with pytest.raises(WrongSettings):
        check_settings("elsewhere")


def test_what_is_of_no_effect_is_a_warning(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("MODALMESH_FUSION_RANKER_COLOUR", "red")
    with caplog.at_level(logging.WARNING):
        check_settings(REDIS)
    assert "modalmesh-fusion-ranker: MODALMESH_FUSION_RANKER_COLOUR: there is no such setting" in caplog.text


@pytest.mark.parametrize("begin", [start_mesh, run_mesh])
def test_nothing_is_begun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, begin: Callable[[Path], object]) -> None:
    monkeypatch.setenv("MODALMESH_TEXT_ENCODER_MODLE", "bert")
    with pytest.raises(WrongSettings):
        begin(tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_a_file_and_a_url_are_one_too_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODALMESH_REDIS_URL", REDIS)
    monkeypatch.setenv("MODALMESH_REDIS_URL_FILE", str(tmp_path / "url"))
    with pytest.raises(WrongSettings, match="are both set"):
        start_mesh(tmp_path / "home")
