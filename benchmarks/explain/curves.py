"""What removing says of an order of parts: what is named against as many others, and curves of deletion and insertion.

Deletion and insertion as RISE has them (Petsiuk et al., 2018), on the scale of the logit.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Order = npt.NDArray[np.int64]
Falls = npt.NDArray[np.float64]
Fall = Callable[[Sequence[Sequence[int]]], Awaitable[Falls]]
"""How far the score falls without each of these sets of parts."""

_STEPS = (0.2, 0.4, 0.6, 0.8)
_NAMED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Trial:
    """One case: how far the score fell without what was named, and without as many random others."""

    named: float
    random: float
    count: int

    @property
    def won(self) -> bool:
        """Whether the named moved it more, and downwards, than the others moved it either way."""
        return self.named > abs(self.random)


@dataclass(frozen=True, slots=True)
class Areas:
    """Under the curves of one order: how far the score has fallen on average while parts are deleted, the first of the
    order first, and how far it has risen on average while they are inserted.
    """

    deletion: float
    insertion: float


def decisive_first(contributions: Sequence[float]) -> Order:
    return np.argsort(-np.asarray(contributions), kind="stable")


def named(contributions: Sequence[float]) -> Order:
    """The fewest parts that make up half of all that speaks for the score; never more than half of the parts, so that
    there are as many others. Empty where nothing speaks for it, or there is but one part.
    """
    order = decisive_first(contributions)
    sizes = np.maximum(np.asarray(contributions, dtype=np.float64)[order], 0.0)
    if not sizes.any():
        return order[:0]
    enough = int(np.searchsorted(np.cumsum(sizes), _NAMED_SHARE * sizes.sum())) + 1
    return order[: min(enough, len(order) // 2)]


async def trial(contributions: Sequence[float], fall: Fall, chance: np.random.Generator) -> Trial | None:
    """None where nothing is named."""
    chosen = named(contributions)
    if not len(chosen):
        return None
    others = chance.choice(np.setdiff1d(np.arange(len(contributions)), chosen), len(chosen), replace=False)
    fallen = await fall([chosen.tolist(), others.tolist()])
    return Trial(float(fallen[0]), float(fallen[1]), len(chosen))


async def areas(orders: Sequence[Order], fall: Fall) -> list[Areas]:
    """Of each order of the same parts."""
    sets: list[list[int]] = []
    for order in orders:
        cuts = [round(step * len(order)) for step in _STEPS]
        sets += [order[:cut].tolist() for cut in cuts]  # deleted
        sets += [order[cut:].tolist() for cut in cuts]  # not inserted yet
    everything = list(range(len(orders[0])))
    fallen = await fall([*sets, everything])
    by_order = fallen[:-1].reshape(len(orders), 2, len(_STEPS))
    without_all = float(fallen[-1])
    return [
        Areas(_area(0.0, deleted, without_all), without_all - _area(without_all, missing, 0.0))
        for deleted, missing in by_order
    ]


def _area(first: float, between: npt.NDArray[np.float64], last: float) -> float:
    """The mean of a curve over the share of parts, by trapezia; `between` are its values at _STEPS."""
    return float(np.trapezoid([first, *between, last], [0.0, *_STEPS, 1.0]))
