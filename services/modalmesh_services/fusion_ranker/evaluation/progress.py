"""How far an evaluation is, and when it will be done."""

import time
from dataclasses import dataclass, field
from typing import Protocol


class Listener(Protocol):
    """Who is told, as job.lines.Lines is."""

    def note(self, sentence: str) -> None: ...

    def progress(self, what: str, done: int, total: int) -> None: ...


@dataclass(slots=True)
class Progress:
    """Counts measurements; `ahead` are those that aren't kept yet, by system: a system's take about equally long."""

    listener: Listener
    ahead: dict[str, int]
    processes: int = 1
    _done: int = 0
    _spent: dict[str, list[float]] = field(default_factory=dict)

    def measured(self, protocol: str, split: str, system: str, seconds: float) -> None:
        self._step(system, seconds)
        self.listener.note(f"{protocol}/{split} {system}: {seconds:.1f} s{self._left()}")

    def failed(self, protocol: str, split: str, system: str, reason: str) -> None:
        self._step(system, 0.0)
        self.listener.note(f"{protocol}/{split} {system} failed: {reason}")

    def _step(self, system: str, seconds: float) -> None:
        self._done += 1
        self.ahead[system] -= 1
        self._spent.setdefault(system, []).append(seconds)
        self.listener.progress("measurements", self._done, self._done + sum(self.ahead.values()))

    def _left(self) -> str:
        """A system that hasn't been measured yet counts as the mean of those that were."""
        means = {system: sum(own) / len(own) for system, own in self._spent.items()}
        usual = sum(means.values()) / len(means)
        seconds = sum(count * means.get(system, usual) for system, count in self.ahead.items())
        seconds /= self.processes
        if not seconds:
            return ""
        return f", about {seconds / 60:.0f} min left" if seconds >= 90 else f", about {seconds:.0f} s left"


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._start
