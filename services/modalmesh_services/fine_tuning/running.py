"""From a data folder and a base model to a folder of weights that the encoder service has loaded once."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from modalmesh.data_folder import DataFolder
from modalmesh.errors import InvalidInput
from modalmesh.types import Modality
from modalmesh_services.fine_tuning.checkpoint import Checkpoint, Epoch, Progress
from modalmesh_services.fine_tuning.encoder import TunableEncoder, choose_layers, training_device
from modalmesh_services.fine_tuning.layers import Layers
from modalmesh_services.fine_tuning.likes import split
from modalmesh_services.fine_tuning.reading import Data, read
from modalmesh_services.fine_tuning.training import Schedule, Trainer
from modalmesh_services.fine_tuning.vectors import ItemVectors

# Counts changes of the code by which an unfinished training can't go on.
_VERSION = 1
_REPORT = "fine_tuning.json"
_HEAD_RATE, _NETWORK_RATE = 1e-3, 5e-5


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be trained on what. A learning rate of None is 1e-3 for a head alone, 5e-5 for layers."""

    folder: Path
    out: Path
    modality: Modality
    layers: Layers
    model: str = "packaged"
    weights: str = ""
    device: str = "auto"
    schedule: Schedule = field(default_factory=lambda: Schedule(epochs=5, learning_rate=0.0, seed=0))


@dataclass(frozen=True, slots=True)
class Tell:
    """Whom to tell how it goes: `work` gets what is done, how much of it, and of how much."""

    work: Callable[[str, int, int], None] = lambda what, done, total: None
    epoch: Callable[[Epoch], None] = lambda epoch: None


def run(order: Order, tell: Tell) -> dict[str, Any]:
    """Train and write the weights: a JSON document of what became of it.

    Raises:
        NotFound, InvalidInput: the data, or a setting, are no good; says why.
        OSError, ValueError: the base model can't be loaded, or nothing can be written.
        Diverged: the learning rate is too high.
    """
    began = time.monotonic()
    if order.out.exists():
        raise InvalidInput("out", f"{order.out} is there already", reason="EXISTS")
    if not order.schedule.learning_rate:
        rate = _HEAD_RATE if order.layers.last == 0 else _NETWORK_RATE
        order = replace(order, schedule=replace(order.schedule, learning_rate=rate))
    source = DataFolder(order.folder)
    encoder = _encoder(order)
    parameters = choose_layers(encoder, order.layers)
    data = read(source, order.modality, encoder, lambda done, total: tell.work("items", done, total))
    likes = split(data.liked, len(data.contents.item_ids), order.schedule.seed)
    vectors = ItemVectors(encoder, data.contents)
    partial = order.out.with_name(f"{order.out.name}.partial")
    checkpoint = Checkpoint(partial, _key(order, encoder, data))
    trainer = Trainer(
        vectors,
        parameters,
        likes,
        order.schedule,
        lambda number, done, total: tell.work(f"epoch {number}", done, total),
    )
    progress, resumed = trainer.run(checkpoint, tell.epoch)
    consequences = [*data.consequences, *_consequences(progress)]
    document = {
        "weights": str(order.out),
        "modality": order.modality,
        "layers": str(order.layers),
        "seed": order.schedule.seed,
        "base": {"name": encoder.name, "fingerprint": encoder.fingerprint},
        "data": data.fingerprint,
        "items": len(data.contents.item_ids),
        "users": len(likes.by_user),
        "epochs": [asdict(epoch) for epoch in progress.epochs],
        "best_epoch": progress.best_epoch,
        "base_auc": progress.base_auc,
        "resumed_after": resumed,
        "consequences": consequences,
    }
    document["model"] = _write(order, encoder, partial, document)
    return {**document, "seconds": round(time.monotonic() - began, 1)}


def _encoder(order: Order) -> TunableEncoder:
    device = training_device(order.device)
    if order.modality == "text":
        from modalmesh_services.fine_tuning.text import TunableText

        return TunableText(order.model, device)
    from modalmesh_services.fine_tuning.image import TunableImage

    return TunableImage(order.model, order.weights, device)


def _key(order: Order, encoder: TunableEncoder, data: Data) -> str:
    """Names a training: all that its course depends on."""
    content = {
        "version": _VERSION,
        "torch": torch.__version__,
        "base": encoder.fingerprint,
        "data": data.fingerprint,
        "modality": order.modality,
        "layers": str(order.layers),
        "schedule": asdict(order.schedule),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _consequences(progress: Progress) -> list[str]:
    if progress.base_auc is None:
        return ["Too little is liked to hold items out: no epoch could be judged, and the last one is kept."]
    best = progress.epochs[progress.best_epoch - 1].auc
    if best is not None and best <= progress.base_auc:
        return [f"No epoch was better than the base model on held-out items ({best:.4f}, {progress.base_auc:.4f})."]
    return []


def _write(order: Order, encoder: TunableEncoder, partial: Path, document: dict[str, Any]) -> dict[str, Any]:
    """Write aside, load as the service will, and only then move to the place: what the service says of it."""
    aside = partial / order.out.name
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    encoder.write(aside)
    (aside / _REPORT).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    loaded = _load(order.modality, aside)
    aside.rename(order.out)
    shutil.rmtree(partial)
    return loaded


def _load(modality: Modality, folder: Path) -> dict[str, Any]:
    """By the fastest backend that keeps the vectors of float32, as at each start; raises where there is none."""
    if modality == "text":
        from modalmesh_services.text_encoder import loading as texts
        from modalmesh_services.text_encoder.settings import TextEncoderSettings

        text = texts.load(TextEncoderSettings(model=str(folder)))
        return {"fingerprint": text.fingerprint, "dim": text.dim, "build": text.placement.build}
    from modalmesh_services.image_encoder import loading as pictures
    from modalmesh_services.image_encoder.settings import ImageEncoderSettings

    image = pictures.load(ImageEncoderSettings(model=str(folder)))
    return {"fingerprint": image.fingerprint, "dim": image.dim, "build": image.placement.build}
