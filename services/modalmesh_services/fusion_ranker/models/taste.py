"""What a history says of its user: the items that were liked, the recent ones more."""

from dataclasses import dataclass

import numpy as np

from modalmesh_services.fusion_ranker.requests import NO_ROW, Floats, History, Integers


@dataclass(frozen=True, slots=True)
class Taste:
    """J liked items. `rows` (J,) int64; `weights` (J,) float64, positive, adding up to 1."""

    item_ids: tuple[str, ...]
    rows: Integers
    weights: Floats


def taste_of(history: History, power: float) -> Taste:
    """The items of a history that are liked and have a vector, each once.

    An item's newest event decides whether it is liked: what was bought and then given one star is not. The n-th newest
    liked item weighs n ** -power; items of the same time weigh the same, so that the order of ties doesn't matter.
    """
    newest: dict[str, int] = {}
    for event in np.argsort(history.times_ms, kind="stable").tolist():
        newest[history.item_ids[event]] = event
    events = [event for event in newest.values() if history.positive[event] and history.rows[event] != NO_ROW]
    weights = _recency(history.times_ms[events], power)
    return Taste(tuple(history.item_ids[event] for event in events), history.rows[events], weights)


def _recency(times_ms: Integers, power: float) -> Floats:
    """(J,) float64, adding up to 1."""
    _, group, sizes = np.unique(-times_ms, return_inverse=True, return_counts=True)
    # The mean place among the newest, from 1, of all that happened at the same time.
    places = np.cumsum(sizes) - (sizes - 1) / 2
    weights: Floats = places[group] ** -power
    return weights / weights.sum() if len(weights) else weights
