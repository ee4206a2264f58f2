"""What is known of a user and an item together, before a network weighs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import Floats, SparseRows
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content import IMAGE, years
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.crowd_factors import users_of
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.item_table import ItemTable
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.kinds import TEXT
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.similarities import TOGETHER, Moments, cubes

POPULARITY, LINEAR_POPULARITY, YEAR = "popularity", "linear_popularity", "year"
HAS_TAGS, LACKS_TEXT = "has_tags", "lacks_text"
USUAL = "usual."
"""Before a kind's name: the mean cube of an item's similarities to other items."""

_LEAST_SPREAD = 2.0
_MOST_YEARS = 40.0
_CROWD_VIEWS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Liked:
    """U users' likes of h items: `likes` (U, h) CSR of 0 and 1; `items` are the h items, `adds` (h, d) what each adds
    to a user's vector, `log_likes` (h,) how many like it. `first_year`, `last_year` (U,): of the likes, NaN: no time.
    """

    likes: SparseRows
    items: ItemTable
    adds: Floats
    log_likes: Floats
    first_year: Floats
    last_year: Floats


@dataclass(frozen=True, slots=True, eq=False)
class KindMoments:
    """How each kind of content spreads, how much it counts, and the year from which years are counted: their squares
    stay exact by that.
    """

    moments: Mapping[str, Moments]
    weights: Mapping[str, float]
    origin: float


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """What features are measured in: the crowd's views, `widths` columns each, how their products spread, and kinds."""

    widths: tuple[int, ...]
    factors: Sequence[Moments]
    kinds: KindMoments

    @classmethod
    def of(cls, widths: tuple[int, ...], factors: Floats, kinds: KindMoments) -> "Space":
        """`factors` (R, d) of items that were predicted."""
        return cls(widths, [Moments.of(factors[:, view]) for view in views(widths)], kinds)


def views(widths: Sequence[int]) -> list[slice]:
    """Each view's columns."""
    ends = np.cumsum([0, *widths]).tolist()
    return [slice(start, end) for start, end in pairwise(ends)]


def first_and_last(histories: Sequence[History]) -> tuple[Floats, Floats]:
    """(U,) float32 each: the years of the first and the last like; NaN without any."""
    liked = [history.times_ms[history.positive] for history in histories]
    ends = np.array([(own.min(), own.max()) if len(own) else (np.nan, np.nan) for own in liked], np.float64)
    both = years(ends.reshape(-1, 2))
    return both[:, 0], both[:, 1]


def lead_of(found: Sequence[Floats]) -> Floats:
    """(U, N): the sum of the first and the third of the crowd's views, by which lists are cut."""
    return np.asarray(found[0] + found[2], np.float32)


def features(liked: Liked, items: ItemTable, space: Space) -> list[Floats]:
    """F arrays (U, N) float32, the crowd's three views first."""
    vectors = users_of(liked.likes, liked.adds)
    crowd = [
        moments.standardised(vectors[:, view], items.factors[:, view])
        for view, moments in zip(views(space.widths), space.factors, strict=True)
    ]
    return [*crowd, *_similarities(liked, items, space.kinds), *_numbers(liked, items, space.kinds.origin)]


def gates_of(space: KindMoments, count: int) -> Floats:
    """(`count`,) float32: 0 for features of pictures, 1 for all others.

    A feature of an absent picture is exactly the average. A network could tell that from all others, and with it which
    items have a picture, which often is those that many like; a linear path can't.
    """
    gates = np.ones(count, np.float32)
    names = list(space.moments)
    if IMAGE in names:
        gates[[_CROWD_VIEWS + names.index(IMAGE), _CROWD_VIEWS + len(names) + names.index(IMAGE)]] = 0
    return gates


def _similarities(liked: Liked, items: ItemTable, space: KindMoments) -> list[Floats]:
    """By kind: the mean similarity, in standard deviations; the mean cube less what is usual, with a root's spread.

    Where an item lacks a text or a picture it counts as the average item: its absence must say nothing by itself.
    """
    means, lacking = [], {}
    for name, moments in space.moments.items():
        own = moments.standardised(np.asarray(liked.likes @ liked.items.kinds[name], np.float32), items.kinds[name])
        if name == IMAGE or name.startswith(TEXT):
            lacking[name] = ~items.kinds[name].any(axis=1)
            own[:, lacking[name]] = 0
        means.append(own)
    raised = []
    for name, sums in cubes(liked.likes, liked.items.kinds, items.kinds, space.weights, len(items)).items():
        having = liked.items.kinds[name].any(axis=1) if name != TOGETHER else np.ones(len(liked.items), np.bool_)
        counts = np.maximum(liked.likes @ having.astype(np.float32), 1)[:, None]
        above = sums / counts - (liked.likes @ liked.items.numbers[USUAL + name])[:, None] / counts
        if name in lacking:
            above[:, lacking[name]] = 0
        raised.append(np.asarray(np.sign(above) * np.sqrt(np.abs(above)), np.float32))
    return means + raised


def _numbers(liked: Liked, items: ItemTable, origin: float) -> list[Floats]:
    """Of the item alone, of the user alone, and years of both."""
    shape = (liked.likes.shape[0], len(items))
    counts = np.asarray(liked.likes.sum(axis=1))
    own, seen = items.numbers[YEAR][None, :], liked.items.numbers[YEAR]
    mean = (liked.likes @ seen / np.maximum(counts, 1))[:, None]
    spread = np.sqrt((liked.likes @ seen**2 / np.maximum(counts, 1))[:, None] - mean**2 + _LEAST_SPREAD**2)
    popular = (liked.likes @ liked.log_likes / np.maximum(counts, 1))[:, None]
    gap = own - mean
    ages = [_clipped(np.nan_to_num(own + origin - year[:, None])) for year in (liked.first_year, liked.last_year)]
    alone = [items.numbers[name][None, :] for name in (POPULARITY, LINEAR_POPULARITY, YEAR, HAS_TAGS, LACKS_TEXT)]
    context = [np.log1p(counts)[:, None], mean, spread, popular]
    found = [*alone, *context, _clipped(gap), gap / spread, *ages, items.numbers[POPULARITY][None, :] - popular]
    return [np.broadcast_to(each, shape).astype(np.float32) for each in found]


def _clipped(gap: Floats) -> Floats:
    return np.asarray(np.clip(gap, -_MOST_YEARS, _MOST_YEARS), np.float32)
