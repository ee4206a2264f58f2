import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from modalmesh.client import Client
from tests.unit.client.scripted_gateway import ScriptedGateway


@pytest.fixture
def gateway() -> Iterator[ScriptedGateway]:
    running = ScriptedGateway()
    yield running
    running.stop()


@pytest.fixture
def client(gateway: ScriptedGateway) -> Iterator[Client]:
    with Client(gateway.address) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two good items (one lacks a picture that it names), one that the gateway refuses, one broken line; six rows."""
    (tmp_path / "a.jpg").write_bytes(b"picture")
    items = [
        json.dumps({"item_id": "lamp", "title": "Lamp", "images": ["a.jpg"]}),
        "{broken",
        "",
        json.dumps({"item_id": "chair", "title": "Chair", "images": ["none.jpg"]}),
        json.dumps({"item_id": "bad", "title": "refuse me"}),
    ]
    rows = [
        "user_id,item_id,timestamp,rating",
        "ada,lamp,10,5",
        "ada,ghost,11,4",
        "bob,chair,12,good",
        "bob,chair,12,3",
        "bob,chair,12,3",
    ]
    (tmp_path / "items.jsonl").write_text("\n".join(items))
    (tmp_path / "interactions.csv").write_text("\n".join(rows) + "\n")
    return tmp_path
