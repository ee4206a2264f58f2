"""Small data folders and base models, in which what users like can be learned in seconds."""

import csv
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image

from modalmesh.local.shop.catalogue import products
from modalmesh.local.shop.pictures import picture
from modalmesh_services.image_encoder.loading import LoadedImage
from modalmesh_services.image_encoder.networks.torchvision_folder import TorchvisionNetwork, write
from modalmesh_services.image_encoder.sources import PACKAGED, find_source
from modalmesh_services.text_encoder.loading import LoadedText
from modalmesh_services.text_encoder.tokens import Tokens
from tests.unit.text_encoder.tiny import save_model

# A style shows in one word of six, the others are chance.
STYLES = (("dog", "red"), ("cat", "blue"))
PRINTS = ("checks", "dots", "leaves", "stripes", "plain")
NOISE = ("a", "the", "runs", "sleeps", "house")


def text_base(folder: Path) -> Path:
    """A BERT of two layers with random weights."""
    return save_model(folder, hidden_size=32, intermediate_size=64)


def texts(count: int, seed: int) -> list[tuple[str, int]]:
    """Texts and their styles, in turn."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        style = number % len(STYLES)
        words = [chance.choice(STYLES[style]), *chance.choices(NOISE, k=5)]
        chance.shuffle(words)
        made.append((" ".join(words), style))
    return made


def text_folder(folder: Path, items: int = 60, users: int = 16) -> Path:
    """Each user likes items of one style."""
    made = texts(items, seed=1)
    lines = [{"item_id": f"item-{number}", "title": text} for number, (text, _) in enumerate(made)]
    styles = [style for _, style in made]
    return write_folder(folder, lines, likes_of(styles, users, each=12))


def likes_of(styles: Sequence[object], users: int, each: int, ids: Sequence[str] = ()) -> list[tuple[str, str]]:
    """User and item: `each` items of one style a user."""
    chance = random.Random(2)
    names = ids or [f"item-{number}" for number in range(len(styles))]
    kinds = sorted(set(styles), key=str)
    rows = []
    for user in range(users):
        own = [name for name, style in zip(names, styles, strict=True) if style == kinds[user % len(kinds)]]
        rows += [(f"user-{user}", name) for name in chance.sample(own, min(each, len(own)))]
    return rows


def write_folder(folder: Path, items: Sequence[Mapping[str, Any]], likes: Sequence[tuple[str, str]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    with (folder / "interactions.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("user_id", "item_id", "timestamp", "rating"))
        writer.writerows((user, item, 1_700_000_000 + place, 5) for place, (user, item) in enumerate(likes))
    return folder


def shop_folder(folder: Path) -> tuple[Path, dict[str, str]]:
    """Pictures of the built-in shop in five prints, which nothing but who likes them tells; and the prints of those
    that nobody likes, a quarter, which so are out of training.
    """
    goods = [product for product in products(96) if product.look.pattern in PRINTS]
    prints = {product.item_id: product.look.pattern for product in goods}
    known = [item_id for place, item_id in enumerate(prints) if place % 4]
    rows = likes_of([prints[item_id] for item_id in known], users=30, each=8, ids=known)
    lines = [{"item_id": item_id, "images": [f"images/{item_id}.webp"]} for item_id in prints]
    write_folder(folder, lines, rows)
    (folder / "images").mkdir()
    for product in goods:
        picture(product.form, product.look).save(folder / f"images/{product.item_id}.webp")
    return folder, {item_id: pattern for item_id, pattern in prints.items() if item_id not in known}


def image_base(folder: Path, size: int = 48) -> Path:
    """A vision transformer of two layers with random weights."""
    t: Any = transformers  # its classes have no types
    shape = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}
    torch.manual_seed(0)
    t.ViTModel(t.ViTConfig(**shape, image_size=size, patch_size=8), add_pooling_layer=False).save_pretrained(folder)
    t.ViTImageProcessor(size={"height": size, "width": size}).save_pretrained(folder)
    return folder


def small_lite0(folder: Path, size: int = 96) -> Path:
    """The packaged network on small pictures: a fifth of the work, and it knows what pictures are."""
    folder.mkdir()
    source = find_source(PACKAGED, fold=False)
    prepared = replace(source.preprocess, height=size, width=size)
    write(TorchvisionNetwork(source.torchvision_name, source.network, prepared), folder)
    return folder


def encode_texts(loaded: LoadedText, made: Sequence[str]) -> np.ndarray:
    return loaded.model([one for one in loaded.tokeniser(list(made)) if isinstance(one, Tokens)], False)[0]


def encode_pictures(loaded: LoadedImage, paths: Sequence[Path]) -> np.ndarray:
    pixels = []
    for path in paths:
        with Image.open(path) as picture:
            pixels.append(loaded.preprocess(picture.convert("RGB"))[0])
    return loaded.model(pixels, False)[0]


def style_auc(vectors: np.ndarray, styles: Sequence[object]) -> float:
    """How often two items of one style are nearer than two of different ones."""
    similar = vectors @ vectors.T
    first, second = np.triu_indices(len(styles), k=1)
    kinds = np.unique([str(style) for style in styles], return_inverse=True)[1]
    same = kinds[first] == kinds[second]
    values = similar[first, second]
    return float(np.mean(values[same][:, None] > values[~same]))
