"""What a benchmark is to the command line: a name, options, and a run that ends in a report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import click
from rich.console import RenderableType

from modalmesh.errors import ModalmeshError

Tell = Callable[[str], None]
"""Called with a line of progress."""


class Report(Protocol):
    """What was measured."""

    def document(self) -> dict[str, Any]:
        """For programs: what JSON can hold."""

    def view(self) -> RenderableType:
        """For people."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """`summary` is its help, `example` what follows `python -m benchmarks`.

    `run` measures; it takes a Tell, and the values of the options by name.
    """

    name: str
    summary: str
    example: str
    options: Sequence[click.Option]
    run: Callable[..., Report]


class NotComparable(ModalmeshError):
    """The contenders didn't do the same work, so their times say nothing."""

    reason = "NOT_COMPARABLE"


class NotHere(ModalmeshError):
    """The machine lacks what would be measured, such as a GPU."""

    reason = "NOT_HERE"
