"""Several processes that learn one network, as torchrun starts them; one where it didn't."""

import atexit
import os
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, distributed

from modalmesh.errors import InvalidInput


class Processes:
    """`rank` is this one's place among `count`; what they tell each other is on the device of each."""

    def __init__(self, rank: int, count: int, device: torch.device) -> None:
        self.rank, self.count, self._device = rank, count, device

    @classmethod
    def joined(cls, most: int, device: torch.device) -> Self:
        """All that take part; joins them if nobody has: GPUs by NCCL, cores by gloo.

        Raises:
            InvalidInput: there are more than `most`, who would have nothing to do.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not distributed.is_initialized():
            _join(device)
        if not distributed.is_initialized():
            return cls(0, 1, device)
        rank, count = distributed.get_rank(), distributed.get_world_size()
        if count > most:
            raise InvalidInput("training.shards", f"is {most}: fewer than the {count} processes", reason="TOO_FEW")
        return cls(rank, count, device)

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
        value = torch.tensor(number, dtype=torch.float64, device=self._device)
        distributed.broadcast(value, 0)
        return float(value)


def _join(device: torch.device) -> None:
    atexit.register(_leave)
    if device.type == "cpu":
        distributed.init_process_group("gloo")
        return
    torch.cuda.set_device(device)
    distributed.init_process_group("nccl", device_id=device)


def _leave() -> None:
    """Before the interpreter ends, as NCCL wants it."""
    if distributed.is_initialized():
        distributed.destroy_process_group()
