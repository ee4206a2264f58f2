"""Progress of long work, on stderr, so that stdout stays the result's."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

_QUIET_SECONDS = 10.0


class FileProgress:
    """A bar a file; where nobody watches a terminal, a line now and then."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Progress(*columns, console=self._console, disable=not self._console.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._told = time.monotonic()

    def __call__(self, file: str, settled: int, total: int) -> None:
        """The shape of modalmesh.ingest.Progress."""
        if file not in self._tasks:
            self._tasks[file] = self._bars.add_task(file)
        self._bars.update(self._tasks[file], completed=settled, total=total)
        if not self._console.is_terminal:
            self._tell(file, settled, total)

    def _tell(self, file: str, settled: int, total: int) -> None:
        if settled < total and time.monotonic() - self._told < _QUIET_SECONDS:
            return
        self._told = time.monotonic()
        self._console.print(f"{file}: {settled:,} of {total:,}", highlight=False)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

    def say(self, line: str) -> None:
        """A line above the bars."""
        self._console.print(line, highlight=False, markup=False)


class JobProgress(FileProgress):
    """Progress of a process of its own: see modalmesh.local.job."""

    def tell(self, kind: str, value: Any) -> None:
        if kind == "progress":
            self(*value)
        elif kind == "step":
            self.say(_step_line(value))
        else:
            self.say(str(value))


def _step_line(step: Mapping[str, Any]) -> str:
    figures = {"loss": step["loss"], step["validated_by"]: step["validation"]}
    shown = "".join(f"  {name} {value:.4f}" for name, value in figures.items() if value is not None)
    return f"{step['stage']} {step['done']}/{step['total']}{shown}"
