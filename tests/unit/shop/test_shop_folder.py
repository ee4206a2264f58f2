"""The shop as a data folder: every line is valid, every file is there, and the bytes are always the same."""

import csv
import hashlib
import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from modalmesh.local.shop import write_shop


@pytest.fixture(scope="session")
def lines(shop: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (shop / "items.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="session")
def rows(shop: Path) -> list[dict[str, str]]:
    with (shop / "interactions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_shop(tmp_path / name, items=40, users=6)
    assert len(_digests(tmp_path / "one")) > 40
    assert _digests(tmp_path / "one") == _digests(tmp_path / "two")


def test_another_seed_writes_another_shop(tmp_path: Path) -> None:
    write_shop(tmp_path / "one", items=12, users=2)
    write_shop(tmp_path / "two", seed=8, items=12, users=2)
    assert (tmp_path / "one/items.jsonl").read_bytes() != (tmp_path / "two/items.jsonl").read_bytes()


def test_writing_again_into_the_same_folder_changes_nothing(tmp_path: Path) -> None:
    write_shop(tmp_path, items=12, users=2)
    before = _digests(tmp_path)
    write_shop(tmp_path, items=12, users=2)
    assert _digests(tmp_path) == before


def test_it_tells_how_many_products_are_drawn(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    write_shop(tmp_path, items=3, users=1, drawn=lambda number, total: told.append((number, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_few_hundred_products_have_ids_of_their_own(lines: list[dict[str, Any]]) -> None:
    assert len({line["item_id"] for line in lines}) == len(lines) == 345


def test_every_product_has_a_text_or_a_picture(lines: list[dict[str, Any]]) -> None:
    assert all(line.get("title") or line.get("images") for line in lines)


def test_titles_are_hardly_ever_used_twice(lines: list[dict[str, Any]]) -> None:
    counts = Counter(line["title"] for line in lines if "title" in line)
    assert sum(count - 1 for count in counts.values()) <= 3


def test_modalities_are_really_missing(lines: list[dict[str, Any]]) -> None:
    missing = {key: sum(key not in line for line in lines) for key in ("images", "description", "title")}
    assert missing == {"images": 22, "description": 26, "title": 6}


def test_every_named_file_is_there_and_no_other(shop: Path, lines: list[dict[str, Any]]) -> None:
    named = {path for line in lines for path in [*line.get("images", []), *filter(None, [line.get("video")])]}
    present = {str(path.relative_to(shop)) for part in ("images", "videos") for path in (shop / part).iterdir()}
    assert named == present


def test_pictures_are_square_rgb_and_small(shop: Path) -> None:
    pictures = sorted((shop / "images").iterdir())
    assert sum(path.stat().st_size for path in pictures) < 6_000_000
    for path in pictures[::10]:
        with Image.open(path) as image:
            assert (image.size, image.mode) == ((288, 288), "RGB")


def test_a_dozen_products_have_a_clip_that_moves(shop: Path) -> None:
    clips = sorted((shop / "videos").iterdir())
    assert len(clips) == 12
    with av.open(str(clips[0])) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(frames) == 12
    assert abs(frames[0].astype(int) - frames[-1].astype(int)).mean() > 5


def test_release_dates_and_prices_can_be_read(lines: list[dict[str, Any]]) -> None:
    assert all(date(2022, 1, 1) < date.fromisoformat(line["release_date"]) < date(2024, 1, 8) for line in lines)
    assert all(line["price"] > 0 for line in lines)


def test_purchases_name_products_of_the_shop(lines: list[dict[str, Any]], rows: list[dict[str, str]]) -> None:
    known = {line["item_id"] for line in lines}
    assert list(rows[0]) == ["user_id", "item_id", "timestamp", "rating", "type"]
    assert {row["item_id"] for row in rows} <= known


def test_sixty_customers_have_dated_histories_long_enough(rows: list[dict[str, str]]) -> None:
    counts = Counter(row["user_id"] for row in rows)
    assert (len(counts), min(counts.values())) == (60, 12)
    assert [int(row["timestamp"]) for row in rows] == sorted(int(row["timestamp"]) for row in rows)


def test_a_customer_rates_a_product_once(rows: list[dict[str, str]]) -> None:
    pairs = [(row["user_id"], row["item_id"]) for row in rows]
    assert len(set(pairs)) == len(pairs)


def test_a_small_shop_with_more_customers_than_names_still_works(tmp_path: Path) -> None:
    write_shop(tmp_path, items=25, users=61)
    users = {line.split(",")[0] for line in (tmp_path / "interactions.csv").read_text("utf-8").splitlines()[1:]}
    assert len(users) == 61
