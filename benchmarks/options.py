"""Options that benchmarks have in common."""

from pathlib import Path

import click


def folder(name: str, says: str) -> click.Option:
    """One that is there."""
    kind = click.Path(exists=True, file_okay=False, path_type=Path)
    return click.Option([name], metavar="DIR", type=kind, help=says)


def count(name: str, says: str, *, default: int, least: int = 1) -> click.Option:
    kind = click.IntRange(min=least)
    return click.Option([name], metavar="N", type=kind, default=default, show_default=True, help=says)
