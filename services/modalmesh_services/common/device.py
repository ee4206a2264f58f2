"""Where a model runs and in which precision."""

import os
from dataclasses import dataclass
from typing import Literal

import torch

Precision = Literal["auto", "fp32", "bf16"]

_NAMES = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}


@dataclass(frozen=True, slots=True)
class Placement:
    """A device, the dtype of weights and activations on it, and how many threads drive it."""

    device: torch.device
    dtype: torch.dtype
    threads: int

    @property
    def build(self) -> str:
        """Backend and precision, such as torch-2.13.0/cpu/bf16."""
        release = torch.__version__.split("+")[0]
        return f"torch-{release}/{self.device.type}/{_NAMES[self.dtype]}"


def place(device: str = "auto", precision: Precision = "auto", threads: int = 0) -> Placement:
    """Choose device and dtype, and for a CPU the number of cores (0: all that this process may use).

    On a CPU each core works on a micro-batch of its own, instead of torch splitting every operation among all cores.
    With two cores that is twice as fast, and when others use the cores too, no core waits for the slowest.

    Raises:
        ValueError: there is no such device here.
    """
    chosen = _device(device)
    if chosen.type == "cuda":
        return Placement(chosen, _dtype(chosen, precision), threads=1)
    torch.set_num_threads(1)
    return Placement(chosen, _dtype(chosen, precision), threads or len(os.sched_getaffinity(0)))


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"--device {name}: this machine has {torch.cuda.device_count()} CUDA devices")
    return device


def _dtype(device: torch.device, precision: Precision) -> torch.dtype:
    match precision:
        case "fp32":
            return torch.float32
        case "bf16":
            return torch.bfloat16
        case _ if device.type == "cuda":
            return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
        case _:
            # Without the processor's own instructions bf16 is emulated, and slower than fp32.
            capabilities = torch.cpu.get_capabilities()
            fast = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
            return torch.bfloat16 if fast else torch.float32
