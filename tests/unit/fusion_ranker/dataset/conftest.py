import json
from collections.abc import Callable
from pathlib import Path

import pytest

FolderWriter = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> FolderWriter:
    """Writes a data folder of items i1, i2, ... from their further keys, and rows user,item,time,rating."""

    def write(*rows: str, items: int = 3, **first_item: object) -> Path:
        lines = [json.dumps({"item_id": f"i{number}", "title": f"Item {number}"}) for number in range(1, items + 1)]
        lines[0] = json.dumps({"item_id": "i1", "title": "Item 1", **first_item})
        (tmp_path / "items.jsonl").write_text("\n".join(lines))
        (tmp_path / "interactions.csv").write_text("\n".join(("user_id,item_id,timestamp,rating", *rows)))
        return tmp_path

    return write
