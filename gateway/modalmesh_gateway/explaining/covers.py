"""Which regions of a picture are painted over together, and what each of them counts for by that.

Knows no grpc and no protobuf.

Alone, a region tells little: what it shows often shows elsewhere too, so that the score hardly falls before several are
gone. So several are painted over at a time, and the regions' contributions are the additive model of what the score
falls by that (as in KernelSHAP: Lundberg and Lee, 2017).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, groupby

import numpy as np
import numpy.typing as npt

from modalmesh.types import RegionShare
from modalmesh_gateway.explaining.falls import Falls

Flags = npt.NDArray[np.bool_]

# Draws contributions to their mean, as strongly as the four falls that a region has a part in tell them apart.
_RIDGE = 4.0


@dataclass(frozen=True, slots=True)
class Cover:
    """Regions of one picture that are painted over together, by their places among the item's regions."""

    picture: int
    places: tuple[int, ...]


def covers_of(regions: Sequence[RegionShare]) -> list[Cover]:
    """Picture by picture; the last of a picture is the whole of it. `regions` are picture by picture, too."""
    covers: list[Cover] = []
    for picture, own in groupby(range(len(regions)), key=lambda place: regions[place].picture):
        covers += [Cover(picture, places) for places in _sets({place: regions[place] for place in own})]
    return covers


def contributions(covers: Sequence[Cover], fallen: Falls) -> dict[int, float]:
    """Of each region in `covers`, by its place. `fallen` (len(covers),): how far the score falls without each.

    Those of a picture add up to the fall without the whole of it, and differ as fits the other falls best. None of the
    cover without which the score falls furthest counts less than a region outside it: what is known to matter together
    comes before what only seems to.
    """
    found: dict[int, float] = {}
    for _, own in groupby(range(len(covers)), key=lambda number: covers[number].picture):
        *parts, whole = own
        places = covers[whole].places
        member = np.array([[place in covers[part].places for place in places] for part in parts], dtype=np.bool_)
        member = member.reshape(len(parts), len(places))
        fitted = _fitted(member, fallen[parts], fallen[whole])
        if len(parts):
            fitted = _leading(fitted, member[fallen[parts].argmax()])
        found.update(zip(places, fitted.tolist(), strict=True))
    return found


def _sets(regions: dict[int, RegionShare]) -> list[tuple[int, ...]]:
    """What two of three rows and two of three columns have in common, each pair with each, by places; one of two where
    there are but two. At last the whole.
    """
    tops = sorted({region.top for region in regions.values()})
    lefts = sorted({region.left for region in regions.values()})
    sets = [
        tuple(place for place, region in regions.items() if region.top in rows and region.left in columns)
        for rows in combinations(tops, -(-len(tops) // 2))
        for columns in combinations(lefts, -(-len(lefts) // 2))
    ]
    whole = tuple(regions)
    return [*(each for each in sets if each != whole), whole]


def _fitted(member: Flags, fallen: Falls, whole: float) -> Falls:
    """(R,) that add up to `whole` and whose sums over the rows of `member` (P, R) are about `fallen` (P,)."""
    count = member.shape[1]
    equal, counted = whole / count, member.astype(np.float64)
    beyond = fallen - equal * counted.sum(axis=1)
    above = np.linalg.solve(counted.T @ counted + _RIDGE * np.eye(count), counted.T @ beyond)
    fitted: Falls = equal + above - above.mean()
    return fitted


def _leading(fitted: Falls, first: Flags) -> Falls:
    """The closest to `fitted` (R,) in which all of `first` (R,) are above the others; those in between meet."""
    rising = [*sorted(fitted[first].tolist()), np.inf]
    falling = [*sorted(fitted[~first].tolist(), reverse=True), -np.inf]
    if rising[0] >= falling[0]:
        return fitted
    low = high = 1
    meeting = (rising[0] + falling[0]) / 2
    while rising[low] < meeting or falling[high] > meeting:
        if rising[low] < meeting:
            low += 1
        else:
            high += 1
        meeting = (sum(rising[:low]) + sum(falling[:high])) / (low + high)
    # By a rounding more, so that they are told apart.
    above, below = np.maximum(fitted, meeting), np.minimum(fitted, np.nextafter(meeting, -np.inf))
    led: Falls = np.where(first, above, below)
    return led
