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
from modalmesh_services.common.backends.device import find_device, torch_device
from modalmesh_services.fine_tuning.checkpoint import Checkpoint, Epoch, Progress
from modalmesh_services.fine_tuning.encoder import TunableEncoder, choose_layers
from modalmesh_services.fine_tuning.layers import Layers
from modalmesh_services.fine_tuning.likes import split
from modalmesh_services.fine_tuning.reading import Data, read
from modalmesh_services.fine_tuning.training import Schedule, Trainer
from modalmesh_services.fine_tuning.vectors import ItemVectors
from modalmesh_services.fusion_ranker.systems.interface import Step

# Counts changes of the code by which an unfinished training can't go on.
_VERSION = 1
_REPORT = "fine_tuning.json"
_HEAD_RATE, _NETWORK_RATE = 1e-3, 5e-5


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be trained on what. A learning rate of 0 is 1e-3 for a head alone, 5e-5 for layers."""

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
    """Whom to tell how it goes: `work` hears what is done, how much of it, and of how much."""

    note: Callable[[str], None] = lambda sentence: None
    work: Callable[[str, int, int], None] = lambda what, done, total: None
    epoch: Callable[[Step], None] = lambda step: None


def fine_tune(order: Order, tell: Tell) -> dict[str, Any]:
    """Train and write the weights: a JSON document of what became of it.

    Raises:
        NotFound, InvalidInput: the data, or a setting, are no good; says why.
        OSError: nothing can be written.
        Diverged: the learning rate is too high.
    """
    began = time.monotonic()
    if order.out.exists():
        raise InvalidInput("out", f"{order.out} is there already", reason="EXISTS")
    source = DataFolder(order.folder)
    encoder = _encoder(order)
    parameters = choose_layers(encoder, order.layers)
    data = read(source, order.modality, encoder, lambda done, total: tell.work("items", done, total))
    likes = split(data.liked, len(data.contents.item_ids), order.schedule.seed)
    schedule = _with_rate(order)
    unfinished = order.out.with_name(f".{order.out.name}.training")
    checkpoint = Checkpoint(unfinished, _key(order, schedule, encoder, data))
    found = checkpoint.read()
    resumed = len(found.epochs) if found else 0
    if resumed:
        tell.note(f"goes on behind epoch {resumed}, as {unfinished} has it")

    def told(number: int, done: int, total: int) -> None:
        tell.work(f"epoch {number}", done, total)

    trainer = Trainer(ItemVectors(encoder, data.contents), parameters, likes, schedule, told)
    progress = trainer.run(found, checkpoint, lambda epoch: tell.epoch(_step(epoch, schedule)))
    document = {
        **_document(order, encoder, data, progress),
        "users": len(likes.by_user),
        "resumed_after": resumed,
    }
    document["model"] = _write(order, encoder, unfinished, document)
    return {"weights": str(order.out), **document, "seconds": round(time.monotonic() - began, 1)}


def _document(order: Order, encoder: TunableEncoder, data: Data, progress: Progress) -> dict[str, Any]:
    return {
        "modality": order.modality,
        "layers": str(order.layers),
        "seed": order.schedule.seed,
        "base": {"name": encoder.name, "fingerprint": encoder.fingerprint},
        "data": data.fingerprint,
        "items": len(data.contents.item_ids),
        "epochs": [asdict(epoch) for epoch in progress.epochs],
        "best_epoch": progress.best_epoch,
        "base_auc": progress.base_auc,
        "consequences": [*data.consequences, *_consequences(progress)],
    }


def _with_rate(order: Order) -> Schedule:
    rate = _HEAD_RATE if order.layers.last == 0 else _NETWORK_RATE
    return replace(order.schedule, learning_rate=order.schedule.learning_rate or rate)


def _step(epoch: Epoch, schedule: Schedule) -> Step:
    return Step("fine-tuning", epoch.number, schedule.epochs, epoch.loss, epoch.auc, "auc")


def _encoder(order: Order) -> TunableEncoder:
    """Raises InvalidInput: the base model can't be loaded."""
    try:
        device = torch_device(find_device(order.device))
        if order.modality == "text":
            from modalmesh_services.fine_tuning.text import TunableText

            return TunableText(order.model, device)
        from modalmesh_services.fine_tuning.image import TunableImage

        return TunableImage(order.model, order.weights, device)
    except (OSError, ValueError) as error:
        raise InvalidInput("model", str(error), reason="MODEL_FAILED") from error


def _key(order: Order, schedule: Schedule, encoder: TunableEncoder, data: Data) -> str:
    """Names a training: all that its course depends on."""
    content = {
        "version": _VERSION,
        "torch": torch.__version__,
        "base": encoder.fingerprint,
        "data": data.fingerprint,
        "modality": order.modality,
        "layers": str(order.layers),
        "schedule": asdict(schedule),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _consequences(progress: Progress) -> list[str]:
    if progress.base_auc is None:
        return ["Too little is liked to hold items out: no epoch could be judged, and the last one is kept."]
    best = progress.epochs[progress.best_epoch - 1].auc
    if best is not None and best <= progress.base_auc:
        return [f"No epoch was better than the base model on held-out items ({best:.4f}, {progress.base_auc:.4f})."]
    return []


def _write(order: Order, encoder: TunableEncoder, unfinished: Path, document: dict[str, Any]) -> dict[str, Any]:
    """Write aside, load as the service will, and only then move to the place: what the service says of it."""
    aside = unfinished / order.out.name
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    encoder.write(aside)
    (aside / _REPORT).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    loaded = _load(order.modality, aside)
    aside.rename(order.out)
    shutil.rmtree(unfinished)
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
