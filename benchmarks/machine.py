"""What the figures were measured on, and how much of it a process used."""

import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

_CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Machine:
    """`load` is the number of processes that wanted a core in the minute before, ours not yet among them."""

    cpus: int
    model: str
    memory_gib: float
    python: str
    torch: str
    load: float


def machine() -> Machine:
    return Machine(
        cpus=cpus(),
        model=_cpu_model(),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        python=platform.python_version(),
        torch=version("torch"),
        load=round(os.getloadavg()[0], 2),
    )


def cpus() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def cpu_seconds(pids: Iterable[int]) -> float:
    """Time on a core that the processes have had so far."""
    spent = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(times.user + times.system for times in spent)


def cpu_seconds_by_name(pids: Mapping[str, int]) -> dict[str, float]:
    return {name: cpu_seconds([pid]) for name, pid in pids.items()}


def _cpu_model() -> str:
    """As the kernel says it; platform.processor() is empty on Linux."""
    lines = _CPU_INFO.read_text(encoding="utf-8").splitlines() if _CPU_INFO.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
