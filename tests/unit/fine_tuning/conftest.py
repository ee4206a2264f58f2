from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from modalmesh_services.fine_tuning.layers import Layers
from modalmesh_services.fine_tuning.running import Order, Tell, fine_tune
from modalmesh_services.fine_tuning.training import Schedule

from .made import text_base, text_folder

MakeOrder = Callable[..., Order]
EPOCHS = {"none": 60, "last:1": 6, "all": 6}
# What a tiny network needs; real ones need far less.
RATES = {"none": 1e-2, "last:1": 3e-3, "all": 3e-3}


@contextmanager
def _exact() -> Iterator[None]:
    """Converting a network takes longer than training these; that other backends load it has tests of its own."""
    with pytest.MonkeyPatch.context() as environment:
        for service in ("TEXT", "IMAGE"):
            environment.setenv(f"MODALMESH_{service}_ENCODER_BACKEND", "torch")
            environment.setenv(f"MODALMESH_{service}_ENCODER_PRECISION", "fp32")
        yield


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    with _exact():
        yield


@pytest.fixture(scope="package")
def texts_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return text_folder(tmp_path_factory.mktemp("texts"))


@pytest.fixture(scope="package")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return text_base(tmp_path_factory.mktemp("bert") / "base")


@pytest.fixture(scope="package")
def make_order(tmp_path_factory: pytest.TempPathFactory, texts_folder: Path, tiny_bert: Path) -> MakeOrder:
    """An order to train the tiny model on the texts, to a new place."""

    def make(layers: str, **changes: Any) -> Order:
        usual = {"epochs": EPOCHS[layers], "learning_rate": RATES[layers], "seed": 0, "pull": 0.0}
        out = tmp_path_factory.mktemp("out") / "weights"
        schedule = Schedule(**{**usual, **changes})
        return Order(texts_folder, out, "text", Layers.parse(layers), str(tiny_bert), schedule=schedule)

    return make


@pytest.fixture(scope="package")
def tuned(make_order: MakeOrder) -> dict[str, Any]:
    """What came of training, by layers."""
    with _exact():
        return {layers: fine_tune(make_order(layers), Tell()) for layers in EPOCHS}
