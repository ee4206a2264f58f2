"""Networks of a few weights, of kinds that matter to a backend."""

import torch
from torch import Tensor, nn

from modalmesh_services.common.backends.torch_backend import Network


class Toy(nn.Module):
    """forward: (B, 4) float32 to (B, 6) of length 1 and (B, 1, 6)."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(4, 6)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        hidden: Tensor = self.layer(inputs.to(self.layer.weight.dtype)).float()
        return nn.functional.normalize(hidden, dim=-1), hidden[:, None]


class Unusual(Toy):
    """Uses an operation that only torch has."""

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(torch.special.bessel_j0(inputs))


class Hungry(Toy):
    """Finds no memory while it is converted."""

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        if torch.jit.is_tracing():  # type: ignore[attr-defined,no-untyped-call] # the stubs forget it
            raise MemoryError("no memory left")
        return super().forward(inputs)


class Counted(Toy):
    """Counts its runs by the interpreter."""

    runs = 0

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        Counted.runs += 1
        pooled, parts = super().forward(inputs)
        return pooled, parts


class OfOneSize(Toy):
    """A graph of it is for the batch that it was traced with."""

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        pooled, parts = super().forward(inputs)
        return pooled * float(len(pooled)), parts


def network(body: type[Toy] = Toy) -> Network:
    return Network(body(), examples=(torch.ones((2, 4)),))
