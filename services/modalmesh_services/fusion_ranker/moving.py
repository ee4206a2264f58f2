"""Tensors to the ranker's device and back. On a CPU they are there already."""

from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the CPU on the device."""
    if device.type == "cpu":
        return tensor
    # Out of page-locked memory, which torch keeps for the next call, a copy runs beside the host.
    return tensor.pin_memory().to(device, non_blocking=True)


def fetched(tensor: Tensor) -> npt.NDArray[Any]:
    """A tensor of the device as an array; waits for what makes it."""
    array: npt.NDArray[Any] = tensor.cpu().numpy()
    return array
