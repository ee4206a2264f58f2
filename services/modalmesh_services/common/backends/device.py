"""Where a model runs, by which backend and in which precision. Imports no torch where it can do without."""

import importlib.util
import os
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Backend = Literal["auto", "torch", "openvino"]
Precision = Literal["auto", "fp32", "bf16"]

NAMES = r"^(auto|cpu|cuda(:\d+)?)$"
"""What a setting that names a device may be."""

# One of them is there wherever a driver of NVIDIA's is, the last under WSL.
_CUDA_DRIVERS = ("/dev/nvidiactl", "/proc/driver/nvidia/version", "/dev/dxg")
_PROCESSORS = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Device:
    type: Literal["cpu", "cuda"]
    index: int = 0

    def __str__(self) -> str:
        return self.type if self.type == "cpu" else f"{self.type}:{self.index}"


CPU = Device("cpu")


@dataclass(frozen=True, slots=True)
class Placement:
    """A backend, its device, the precision of the network's larger part, and how many threads drive it."""

    backend: Literal["torch", "openvino"]
    device: Device
    precision: Literal["fp32", "bf16", "fp16"]
    threads: int

    @property
    def build(self) -> str:
        """Backend, device and precision, such as openvino-2026.4.1/cpu/bf16."""
        return f"{self.backend}-{release(self.backend)}/{self.device.type}/{self.precision}"


def release(package: str) -> str:
    """The version of a package, without importing it and without what its build adds, such as +cpu."""
    return metadata.version(package).split("+")[0]


def places(
    device: str = "auto", precision: Precision = "auto", threads: int = 0, backend: Backend = "auto"
) -> list[Placement]:
    """Where a model may run, the fastest first. `threads` is for a CPU (0: all cores that this process may use).

    On a CPU each thread is one core, which works on a micro-batch of its own, instead of every operation being split
    among all cores. With two cores that is twice as fast, and when others use the cores too, no core waits for the
    slowest.

    Raises:
        ValueError: there is no such device here, or no such backend for it.
    """
    chosen = find_device(device)
    if chosen.type == "cuda":
        if backend == "openvino":
            raise ValueError("--backend openvino runs on a CPU only: add --device cpu")
        return [Placement("torch", chosen, kind, 1) for kind in _precisions(_cuda_precision(), precision)]
    cores = threads or len(os.sched_getaffinity(0))
    return [
        Placement(name, chosen, kind, cores)
        for name in _cpu_backends(backend)
        for kind in _precisions(cpu_precision(), precision)
    ]


def _precisions(fast: Literal["fp32", "bf16", "fp16"], wanted: Precision) -> list[Literal["fp32", "bf16", "fp16"]]:
    if wanted != "auto":
        return [wanted]
    return ["fp32"] if fast == "fp32" else [fast, "fp32"]


def _cpu_backends(wanted: Backend) -> list[Literal["torch", "openvino"]]:
    there = importlib.util.find_spec("openvino") is not None
    if wanted == "openvino" and not there:
        raise ValueError("--backend openvino: openvino is not installed")
    if wanted == "auto":
        return ["openvino", "torch"] if there else ["torch"]
    return [wanted]


def cpu_precision() -> Literal["fp32", "bf16"]:
    """The fastest of this machine's processor: without instructions of its own bf16 is emulated, and slower."""
    try:
        words = _PROCESSORS.read_text(encoding="utf-8").split()
    except OSError:
        return "fp32"
    return "bf16" if "avx512_bf16" in words or "amx_bf16" in words else "fp32"


def _cuda_precision() -> Literal["bf16", "fp16"]:
    import torch

    return "bf16" if torch.cuda.is_bf16_supported() else "fp16"


def find_device(name: str) -> Device:
    """`auto` is the first CUDA device where there is one.

    Raises:
        ValueError: there is no such device here.
    """
    kind, _, index = name.partition(":")
    if kind == "cpu":
        return CPU
    count = _cuda_devices()
    if kind == "auto":
        return Device("cuda") if count else CPU
    if int(index or 0) >= count:
        raise ValueError(f"--device {name}: this machine has {count} CUDA devices")
    return Device("cuda", int(index or 0))


def _cuda_devices() -> int:
    # Importing torch takes a second or more, which a machine without a driver needn't spend.
    if sys.platform == "linux" and not any(Path(path).exists() for path in _CUDA_DRIVERS):
        return 0
    import torch

    return torch.cuda.device_count()


def torch_device(device: Device) -> "torch.device":
    import torch

    return torch.device(str(device))


def torch_dtype(placement: Placement) -> "torch.dtype":
    import torch

    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[placement.precision]
