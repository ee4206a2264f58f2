"""Items to vectors, by the network as it is at the time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from modalmesh_services.fine_tuning.encoder import InputStore, TunableEncoder
from modalmesh_services.fusion_ranker.dataset.arrays import Indexes


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """N items' prepared inputs; those of item i are `store` from `starts[i]` to `starts[i + 1]`, (N + 1,) int64."""

    item_ids: tuple[str, ...]
    store: InputStore
    starts: Sequence[int]

    def rows(self, item: int) -> range:
        return range(self.starts[item], self.starts[item + 1])


class ItemVectors:
    """An item's vector is the mean direction of its texts or pictures, each of length 1.

    What a frozen network gives of an input is kept, so that training its head encodes each input once.
    """

    def __init__(self, encoder: TunableEncoder, contents: Contents) -> None:
        self._encoder = encoder
        self._contents = contents
        self._frozen = not any(parameter.requires_grad for parameter in encoder.network.parameters())
        self._kept: dict[int, Tensor] = {}

    def __call__(self, items: Indexes) -> Tensor:
        """(n,) int32, each item once, to (n, D) float32 of length 1."""
        rows = [self._contents.rows(int(item)) for item in items]
        pooled = self._pooled([row for own in rows for row in own])
        head = self._encoder.head
        each = functional.normalize(pooled if head is None else head(pooled), dim=-1)
        owner = torch.from_numpy(np.repeat(np.arange(len(rows)), [len(own) for own in rows])).to(each.device)
        sums = torch.zeros((len(rows), each.shape[1]), device=each.device).index_add(0, owner, each)
        return functional.normalize(sums, dim=-1)

    def _pooled(self, rows: Sequence[int]) -> Tensor:
        store = self._contents.store
        if not self._frozen:
            return self._encoder.pooled([store[row] for row in rows])
        if new := [row for row in rows if row not in self._kept]:
            with torch.no_grad():
                self._kept.update(zip(new, self._encoder.pooled([store[row] for row in new]), strict=True))
        return torch.stack([self._kept[row] for row in rows])
