"""A picture's regions: a few blocks of the cells of an encoder's grid. Knows no grpc."""

from collections.abc import Sequence
from dataclasses import dataclass

from modalmesh_gateway.ports import Place

# Rows and columns of blocks. A cell has seen far more of the picture than its own box, so that smaller blocks would say
# less about what lies in them.
_SIDES = 3


@dataclass(frozen=True, slots=True)
class Region:
    """A box as shares of the picture's sides, and the rows of the cells in it."""

    left: float
    top: float
    right: float
    bottom: float
    rows: tuple[int, ...]


def regions_of(places: Sequence[Place]) -> list[Region]:
    """At most nine regions, row by row, of about equally many cells each; `places` are the boxes of a grid's cells."""
    columns, rows = _groups([place.left for place in places]), _groups([place.top for place in places])
    cells: dict[tuple[int, int], list[int]] = {}
    for number, place in enumerate(places):
        cells.setdefault((rows[place.top], columns[place.left]), []).append(number)
    return [_around([places[number] for number in own], own) for _, own in sorted(cells.items())]


def _groups(edges: Sequence[float]) -> dict[float, int]:
    """Which of the few rows, or columns, of blocks an edge belongs to."""
    known = sorted(set(edges))
    groups = min(_SIDES, len(known))
    return {edge: number * groups // len(known) for number, edge in enumerate(known)}


def _around(places: Sequence[Place], rows: Sequence[int]) -> Region:
    return Region(
        min(place.left for place in places),
        min(place.top for place in places),
        max(place.right for place in places),
        max(place.bottom for place in places),
        tuple(rows),
    )
