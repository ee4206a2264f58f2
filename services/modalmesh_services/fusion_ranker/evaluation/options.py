"""What the commands of this package have in common: where vectors come from, and where measurements are kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from modalmesh_services.fusion_ranker.evaluation.jobs import default_processes

Command = TypeVar("Command", bound=Callable[..., Any])

FOLDER = click.Path(path_type=Path)

_OPTIONS = (
    click.option("--results", type=FOLDER, help="where measurements are kept; default: in the home"),
    click.option(
        "--processes", type=click.IntRange(1), default=default_processes, help="default: two, of one core one"
    ),
    click.option("--home", type=FOLDER, default=Path(".modalmesh"), show_default=True, help="the home of a mesh"),
    click.option("--address", help="a mesh's gateway, instead"),
    click.option("--namespace", default="default", show_default=True, help="the catalogue"),
)


def measuring(command: Command) -> Command:
    """`results`, `processes`, `home`, `address` and `namespace`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
