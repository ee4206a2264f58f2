"""Settings that a server of the mesh would refuse: exit code 2, and the server's own lines."""

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Verb


def test_up_refuses_them_before_anything_starts(verb: Verb, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODALMESH_TEXT_ENCODER_MODLE", "bert")
    monkeypatch.setenv("MODALMESH_CACHE_URL", "cache")
    outcome = verb("up", "--detach", "--json")
    first, second, last = outcome.stderr.splitlines()
    assert outcome.code == 2
    assert first.startswith("modalmesh-text-encoder: MODALMESH_TEXT_ENCODER_MODLE: ")
    assert second.startswith("modalmesh-gateway: --cache-url (MODALMESH_CACHE_URL): ")
    assert last == "modalmesh: nothing was started [WRONG_SETTINGS]"
    error = {"reason": "WRONG_SETTINGS", "field": "", "message": f"{first}; {second}", "request_id": ""}
    assert outcome.document["error"] == error
