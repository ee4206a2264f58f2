"""What fine-tuning needs of an encoder, whatever it encodes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from torch import Tensor, nn

from modalmesh.types import Item
from modalmesh_services.fine_tuning.layers import Layers, thaw

Prepared: TypeAlias = Any
"""One input as the network takes it: a text's token ids (T,) int32, or a picture's pixels (H, W, 3) uint8."""


class InputStore(Protocol):
    """Prepared inputs by number."""

    def add(self, prepared: Prepared) -> None: ...
    def __len__(self) -> int: ...
    def __getitem__(self, row: int) -> Prepared: ...


class TunableEncoder(Protocol):
    """A base model as a network that can be trained and written again.

    `network` is all but the head; `head`, a linear map behind the pooling, is one that the base has, or none.
    """

    network: nn.Module
    head: nn.Linear | None

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str:
        """The base model's."""
        ...

    @property
    def dim(self) -> int:
        """Of the pooled vectors before the head."""
        ...

    def prepare(self, item: Item) -> Iterator[Prepared | None]:
        """The item's inputs; None for one that can't be read."""
        ...

    def store(self) -> InputStore:
        """An empty one for all items' inputs."""
        ...

    def pooled(self, inputs: Sequence[Prepared]) -> Tensor:
        """(R, D) float32: pooled vectors before head and normalisation."""
        ...

    def write(self, folder: Path) -> None:
        """All that the encoder service needs to load it, the head included."""
        ...


def choose_layers(encoder: TunableEncoder, layers: Layers) -> dict[str, nn.Parameter]:
    """Freeze all but these layers: the parameters to train, by name.

    Nothing of a frozen network is trained but its head, which begins as the identity where the base has none. Dropout
    and the statistics of batches stay off: batches are small, and the vectors those that will be served.
    """
    thaw(encoder.network, layers)
    if layers.last == 0 and encoder.head is None:
        device = next(encoder.network.parameters()).device
        encoder.head = nn.Linear(encoder.dim, encoder.dim, bias=False, device=device)
        nn.init.eye_(encoder.head.weight)
    encoder.network.eval()
    named = [("network", encoder.network), *([("head", encoder.head)] if encoder.head is not None else [])]
    return {
        f"{part}.{name}": parameter
        for part, module in named
        for name, parameter in module.named_parameters()
        if parameter.requires_grad
    }
