"""Writes the shop as a data folder: items.jsonl, interactions.csv, images/ and videos/."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from modalmesh.local.shop.catalogue import PRODUCTS, Product, products
from modalmesh.local.shop.clips import clip
from modalmesh.local.shop.customers import CUSTOMERS, Purchase, customers, purchases
from modalmesh.local.shop.pictures import detail, picture

_WEBP_QUALITY = 88
_WEBP_EFFORT = 2


def write_shop(
    folder: Path,
    seed: int = 7,
    *,
    items: int = PRODUCTS,
    users: int = CUSTOMERS,
    drawn: Callable[[int, int], None] = lambda number, total: None,
) -> None:
    """Write the shop; the same seed and sizes give the same bytes under the same versions of Pillow and PyAV.

    Drawing takes some seconds: `drawn` is called with how many products are, of how many.

    Raises:
        OSError: the folder can't be written.
    """
    for part in ("images", "videos"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    goods = products(items, seed)
    people = customers(goods, users, seed)
    for number, product in enumerate(goods, start=1):
        _write_media(folder, product)
        drawn(number, len(goods))
    lines = [json.dumps(_line(product), ensure_ascii=False) for product in goods]
    (folder / "items.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _write_purchases(folder / "interactions.csv", purchases(people, goods, seed))


def _write_media(folder: Path, product: Product) -> None:
    if not product.pictures:
        return
    front = picture(product.form, product.look)
    _save(front, folder / f"images/{product.item_id}.webp")
    if product.pictures > 1:
        _save(detail(product.look), folder / f"images/{product.item_id}-detail.webp")
    if product.has_clip:
        (folder / f"videos/{product.item_id}.webm").write_bytes(clip(front))


def _save(image: Image.Image, path: Path) -> None:
    image.save(path, format="WEBP", quality=_WEBP_QUALITY, method=_WEBP_EFFORT)


def _line(product: Product) -> dict[str, Any]:
    """The product's line of items.jsonl; what is missing is left out."""
    suffixes = ("", "-detail")[: product.pictures]
    line = {
        "item_id": product.item_id,
        "title": product.title,
        "description": product.description,
        "tags": list(product.tags),
        "images": [f"images/{product.item_id}{suffix}.webp" for suffix in suffixes],
        "video": f"videos/{product.item_id}.webm" if product.has_clip else "",
        "release_date": product.released.isoformat(),
        "category": product.category,
        "material": product.material,
        "price": product.price,
    }
    return {key: value for key, value in line.items() if value}


def _write_purchases(path: Path, rows: Sequence[Purchase]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("user_id", "item_id", "timestamp", "rating", "type"))
        writer.writerows((row.user_id, row.item_id, row.time, row.rating, row.type) for row in rows)
