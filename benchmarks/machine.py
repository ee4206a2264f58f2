"""What the figures were measured on, and who used it meanwhile."""

import os
import platform
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

_CPU_INFO = Path("/proc/cpuinfo")
# Of all cores. What others take below this changes a ratio by less than its rounds differ.
_QUIET_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Machine:
    """`load` is the number of processes that wanted a core in the minute before, ours not yet among them."""

    cpus: int
    model: str
    memory_gib: float
    python: str
    torch: str
    load: float

    def is_disturbed(self, other_cores: Iterable[float]) -> bool:
        """Whether others ever took so much that ratios of rates say more about them."""
        return max(other_cores, default=0.0) > _QUIET_SHARE * self.cpus


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


@dataclass(frozen=True, slots=True)
class Reading:
    """Time that passed, time on a core that our processes had, and that all others on the machine had meanwhile."""

    seconds: float
    cpu_seconds: Mapping[str, float]
    other_cpu_seconds: float

    @property
    def total_cpu_seconds(self) -> float:
        return sum(self.cpu_seconds.values())

    @property
    def other_cores(self) -> float:
        """How many cores the others kept busy."""
        return self.other_cpu_seconds / self.seconds


class Meter:
    """Counts from its making on; `pids` are ours, by name."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._spent = _spent(pids)
        self._busy = _busy()
        self._started = time.monotonic()

    def read(self) -> Reading:
        seconds = time.monotonic() - self._started
        spent = {name: now - self._spent[name] for name, now in _spent(self._pids).items()}
        # The kernel counts in hundredths, so a quiet machine may come out a little below nothing.
        others = max(0.0, _busy() - self._busy - sum(spent.values()))
        return Reading(seconds, spent, others)


def _spent(pids: Mapping[str, int]) -> dict[str, float]:
    times = {name: psutil.Process(pid).cpu_times() for name, pid in pids.items()}
    return {name: spent.user + spent.system for name, spent in times.items()}


def _busy() -> float:
    """Seconds that all cores together were not idle, what the host of a virtual machine took away among them."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq + times.steal)


def _cpu_model() -> str:
    """As the kernel says it; platform.processor() is empty on Linux."""
    lines = _CPU_INFO.read_text(encoding="utf-8").splitlines() if _CPU_INFO.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
