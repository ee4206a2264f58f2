"""A picture's regions: the cells of an encoder's grid, a few together where there are many. Knows no grpc."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from modalmesh_gateway.ports import Place


@dataclass(frozen=True, slots=True)
class Region:
    """A box as shares of the picture's sides, and the rows of the cells in it."""

    left: float
    top: float
    right: float
    bottom: float
    rows: tuple[int, ...]


def regions_of(places: Sequence[Place], most: int) -> list[Region]:
    """At most `most` regions, row by row; `places` are the boxes of a grid's cells."""
    columns = _numbers([place.left for place in places])
    rows = _numbers([place.top for place in places])
    side = 1
    while ceil(len(columns) / side) * ceil(len(rows) / side) > most:
        side += 1
    cells: dict[tuple[int, int], list[int]] = {}
    for number, place in enumerate(places):
        cells.setdefault((rows[place.top] // side, columns[place.left] // side), []).append(number)
    return [_around([places[number] for number in cells[key]], cells[key]) for key in sorted(cells)]


def _numbers(edges: Sequence[float]) -> dict[float, int]:
    return {edge: number for number, edge in enumerate(sorted(set(edges)))}


def _around(places: Sequence[Place], rows: Sequence[int]) -> Region:
    return Region(
        min(place.left for place in places),
        min(place.top for place in places),
        max(place.right for place in places),
        max(place.bottom for place in places),
        tuple(rows),
    )
