"""Several processes that learn one network, as torchrun starts them; one where it didn't."""

import os
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, distributed

from modalmesh.errors import InvalidInput


class Processes:
    """`rank` is this one's place among `count`."""

    def __init__(self, rank: int, count: int) -> None:
        self.rank, self.count = rank, count

    @classmethod
    def joined(cls, most: int) -> Self:
        """All that take part; joins them by gloo if nobody has.

        Raises:
            InvalidInput: there are more than `most`, who would have nothing to do.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not distributed.is_initialized():
            distributed.init_process_group("gloo")
        if not distributed.is_initialized():
            return cls(0, 1)
        rank, count = distributed.get_rank(), distributed.get_world_size()
        if count > most:
            raise InvalidInput("training.shards", f"is {most}: fewer than the {count} processes", reason="TOO_FEW")
        return cls(rank, count)

    @property
    def first(self) -> bool:
        return self.rank == 0

    def mine(self, count: int) -> range:
        """Which of so many shares are this process's."""
        return range(self.rank, count, self.count)

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Each, in place, becomes the sum over all processes."""
        if self.count == 1:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        distributed.all_reduce(flat)
        start = 0
        for tensor in tensors:
            tensor.copy_(flat[start : start + tensor.numel()].view_as(tensor))
            start += tensor.numel()

    def told(self, number: float) -> float:
        """What the first process says."""
        if self.count == 1:
            return number
        value = torch.tensor(number, dtype=torch.float64)
        distributed.broadcast(value, 0)
        return float(value)
