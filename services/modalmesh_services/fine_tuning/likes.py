"""What users liked of the items that have something to encode, and what is held out of it to choose the best epoch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Indexes

_HELD_OUT_SHARE = 0.1
_MOST_HELD_OUT = 200
_MOST_JUDGES = 200
_PROFILE = 5
"""A judge's last liked items. Their vectors are made after each epoch, so there are few."""

_WINDOWS_A_USER = 16
"""Of one epoch: else those who liked thousands of items would be all that is learned from."""


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """A user by whom an epoch is judged: `profile` (n,) the liked items shown, `liked` (m,) those held out."""

    profile: Indexes
    liked: Indexes


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """`items` (V,) int32: held out of all training; the judges tell which of them they like."""

    items: Indexes
    judges: tuple[Judge, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Likes:
    """For each user with two and more of them the liked items, each once, in time order; none of them is held out."""

    by_user: tuple[Indexes, ...]
    validation: Validation | None


def split(liked: Sequence[Indexes], item_count: int, seed: int) -> Likes:
    """Hold a seeded tenth of the items out, from all users: what is to be shown is that unseen items lie well.

    Nothing is held out where no judge likes one such item but not all of them, or nobody would have two others left.
    """
    count = min(round(item_count * _HELD_OUT_SHARE), _MOST_HELD_OUT)
    generator = np.random.default_rng([seed, 1])
    held_out = np.zeros(item_count, np.bool_)
    held_out[generator.choice(item_count, count, replace=False)] = True
    judges = [judge for items in liked if (judge := _judge(items, held_out))]
    rest = [items[~held_out[items]] for items in liked]
    if not judges or max(map(len, rest)) < 2:
        return Likes(tuple(items for items in liked if len(items) > 1), None)
    if len(judges) > _MOST_JUDGES:
        judges = [judges[place] for place in generator.choice(len(judges), _MOST_JUDGES, replace=False)]
    validation = Validation(np.flatnonzero(held_out).astype(np.int32), tuple(judges))
    return Likes(tuple(items for items in rest if len(items) > 1), validation)


def _judge(items: Indexes, held_out: Flags) -> Judge | None:
    out = held_out[items]
    liked, shown = items[out], items[~out]
    if not len(shown) or not 0 < len(liked) < held_out.sum():
        return None
    return Judge(shown[-_PROFILE:], liked)


def windows(likes: Likes, length: int, most: int, seed: Sequence[int]) -> Iterator[tuple[int, Indexes]]:
    """An epoch: at most `most` users with 2 to `length` items that they liked one after another, in random order.

    Likes too many for one window are cut at an offset that differs from epoch to epoch.
    """
    generator = np.random.default_rng(seed)
    found: list[tuple[int, Indexes]] = []
    for user, items in enumerate(likes.by_user):
        offset = int(generator.integers(0, length)) if len(items) > length else 0
        bounds = range(offset - length if offset else 0, len(items), length)
        own = [items[max(0, start) : start + length] for start in bounds]
        own = [window for window in own if len(window) > 1]
        chosen = generator.permutation(len(own))[:_WINDOWS_A_USER]
        found.extend((user, own[place]) for place in chosen)
    for place in generator.permutation(len(found))[:most]:
        yield found[place]
