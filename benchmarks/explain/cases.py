"""Whom and what to explain: users with a history, and items that are recommended to them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.benchmark import NotComparable
from benchmarks.explain.scoring import Case
from modalmesh import AsyncClient
from modalmesh.positive import PositiveRule

_CANDIDATES = 500
_BEST = 20
_LEAST_LIKED = 4
_positive = PositiveRule()


async def cases(client: AsyncClient, users: Sequence[str], count: int, chance: np.random.Generator) -> list[Case]:
    """User after user, again and again: one of the best items for each, drawn at random.

    Raises:
        NotComparable: nobody has liked enough to be explained by.
    """
    known: list[Case] = []
    for place in chance.permutation(len(users)).tolist():
        events = (await client.get_history(users[place])).events
        if len({event.item_id for event in events if _positive(event)}) >= _LEAST_LIKED:
            ranked = (await client.recommend(users[place], _CANDIDATES)).items
            known.append(Case(users[place], events, "", [item.item_id for item in ranked]))
        if len(known) == count:
            break
    if not known:
        raise NotComparable("nobody has liked enough items to be explained by")
    return [_with_item(known[number % len(known)], chance) for number in range(count)]


def _with_item(case: Case, chance: np.random.Generator) -> Case:
    best = case.candidates[:_BEST]
    return replace(case, item_id=best[int(chance.integers(len(best)))])
