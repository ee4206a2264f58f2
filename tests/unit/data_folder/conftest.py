import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Writer = Callable[..., Path]
HEADER = "user_id,item_id,timestamp,rating"


@pytest.fixture
def write_items(tmp_path: Path) -> Writer:
    """Writes items.jsonl from objects, and from str or bytes as they are; returns the folder."""

    def write(*lines: dict[str, Any] | str | bytes) -> Path:
        raw = [
            line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode()
            for line in lines
        ]
        (tmp_path / "items.jsonl").write_bytes(b"\n".join(raw) + b"\n")
        return tmp_path

    return write


@pytest.fixture
def write_events(tmp_path: Path) -> Writer:
    """Writes interactions.csv from lines; returns the folder."""

    def write(*lines: str | bytes, header: str = HEADER) -> Path:
        raw = [line if isinstance(line, bytes) else line.encode() for line in (header, *lines)]
        (tmp_path / "interactions.csv").write_bytes(b"\n".join(raw) + b"\n")
        return tmp_path

    return write
