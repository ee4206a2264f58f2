"""A data folder with everything that goes wrong in data folders, between a few good lines."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from tests.e2e.pictures import picture
from tests.unit.image_encoder.pictures import draw, encode, huge_png, noise

HEADER = b"user_id,item_id,timestamp,rating"
CUT_JPEG = encode(noise(), "JPEG")


@dataclass(frozen=True)
class Line:
    """One line of a file; `refused` are field and words of the message of each complaint about it."""

    content: bytes | dict[str, Any]
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def written(self) -> bytes:
        return json.dumps(self.content).encode() if isinstance(self.content, dict) else self.content


PICTURES = {
    "red.png": picture("red"),
    "cut.jpg": CUT_JPEG[: len(CUT_JPEG) // 2],
    "text.jpg": b"This is a text, whatever its name says.\n",
    "huge.png": huge_png(),
    "moving.gif": encode(draw(), "GIF", save_all=True, append_images=[Image.new("RGB", (60, 40), "black")]),
    "print.jpg": encode(draw().convert("CMYK"), "JPEG"),
    "empty.png": b"",
}

ITEMS = (
    Line({"item_id": "red-shoe", "title": "A red shoe", "images": ["images/red.png"]}),
    Line(b'{"item_id": "broken', [("line", "is no JSON")]),
    Line(b'{"item_id": "\xff"}', [("line", "byte 14 is no UTF-8: 0xff")]),
    Line(b'["red-shoe"]', [("line", "must be an object")]),
    Line(b'{"item_id": "' + b"x" * 17_000_000 + b'"}', [("line", "is longer than 16,777,216 bytes")]),
    Line({"title": "A lamp without an id"}, [("item_id", "is missing or empty")]),
    Line({"item_id": "x" * 1_000_000, "title": "A chair"}, [("item_id", "is longer than 256 bytes")]),
    Line({"item_id": "bell\a", "title": "A bell"}, [("item_id", "holds control characters")]),
    Line({"item_id": "red-shoe", "title": "The same shoe"}, [("item_id", "'red-shoe' came before")]),
    Line({"item_id": "nothing"}, [("item", "has no modality")]),
    Line({"item_id": "novel", "description": "word " * 2_000_000}, [("description", "is longer than 1048576 bytes")]),
    Line({"item_id": "seven", "title": 7}, [("title", "must be a string, is a number")]),
    Line({"item_id": "far", "title": "Far future", "time": 1e12}, [("time", "is outside the years 1 to 9999")]),
    Line(
        {"item_id": "cut", "title": "A green bicycle", "images": ["images/red.png", "images/cut.jpg"]},
        [("pictures[1].content", "'images/cut.jpg' is a broken picture")],
    ),
    Line(
        {"item_id": "text", "images": ["images/text.jpg"]},
        [
            ("pictures[0].content", "'images/text.jpg' is no JPEG, PNG, WebP or GIF"),
            ("item", "nothing of it could be encoded"),
        ],
    ),
    Line(
        {"item_id": "huge", "title": "A white wall", "images": ["images/huge.png"]},
        [("pictures[0].content", "'images/huge.png' has 13000 x 13000 pixels, the limit is 50000000")],
    ),
    Line(
        {"item_id": "lost", "title": "A wooden table", "images": ["images/none.jpg", "images/empty.png", "../out.png"]},
        [
            ("images[0]", "'images/none.jpg': no such file; the item goes in without it"),
            ("images[1]", "'images/empty.png' is an empty file"),
            ("images[2]", "'../out.png' leads out of the folder"),
        ],
    ),
    Line({"item_id": "moving", "images": ["images/moving.gif"]}),
    Line({"item_id": "print", "images": ["images/print.jpg"]}),
    Line({"item_id": "blue-lamp", "title": "A blue lamp"}),
)
GOOD_ITEMS = {"red-shoe", "cut", "huge", "lost", "moving", "print", "blue-lamp"}

EVENTS = (
    Line(HEADER),
    Line(b"ada,red-shoe,1700000000,5"),
    Line(b"ada,no-such-thing,1700000000,5", [("item_id", "there is no item 'no-such-thing'")]),
    Line(b"ada,novel,1700000000,5", [("item_id", "there is no item 'novel'")]),
    Line(b",red-shoe,1700000000,5", [("user_id", "is empty")]),
    Line(b"ada\x01,red-shoe,1700000000,5", [("user_id", "holds control characters")]),
    Line(b"ada,red-shoe,-5,5", [("timestamp", "is before 1970")]),
    Line(b"ada,red-shoe,32503680000,5", [("timestamp", "is more than a day in the future")]),
    Line(b"ada,red-shoe,soon,5", [("timestamp", "is no number: 'soon'")]),
    Line(b"ada,red-shoe,1700000001,nan", [("rating", "is NaN or infinite")]),
    Line(b"ada,red-shoe", [("line", "has 2 columns instead of 4")]),
    Line(b"ada,\xff,1700000000,5", [("line", "byte 5 is no UTF-8: 0xff")]),
    Line(b"ada,red-shoe,1700000000,5"),
    Line(b"newcomer,blue-lamp,1700000002,4.5"),
)


def write(folder: Path) -> Path:
    (folder / "images").mkdir(parents=True)
    for name, content in PICTURES.items():
        (folder / "images" / name).write_bytes(content)
    (folder / "items.jsonl").write_bytes(b"\n".join(line.written for line in ITEMS) + b"\n")
    (folder / "interactions.csv").write_bytes(b"\n".join(line.written for line in EVENTS) + b"\n")
    return folder


def line_of(item_id: str) -> int:
    """Where the item stands in items.jsonl."""
    ids = [line.content.get("item_id") if isinstance(line.content, dict) else None for line in ITEMS]
    return ids.index(item_id) + 1


def expected() -> list[tuple[str, int, str, str]]:
    """File, line, field and words of the message of each complaint, in file order."""
    files = {"items.jsonl": ITEMS, "interactions.csv": EVENTS}
    return [
        (name, number, *told)
        for name, lines in files.items()
        for number, line in enumerate(lines, start=1)
        for told in line.refused
    ]
