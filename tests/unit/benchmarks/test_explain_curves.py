"""What is named, and how its removal is judged."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.explain.curves import Fall, areas, decisive_first, named, trial

FALLS = np.array([0.1, 4.0, 0.2, 2.0, 0.0])


def adding_up(falls: npt.NDArray[np.float64]) -> Fall:
    """Parts that don't depend on each other."""

    async def fall(sets: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
        return np.array([falls[list(each)].sum() for each in sets])

    return fall


@pytest.mark.parametrize(
    ("contributions", "chosen"),
    [
        ([0.1, 4.0, 0.2, 2.0, 0.0], [1]),
        ([1.0, 1.0, 1.0, 1.0], [0, 1]),
        ([1.0, -9.0, 1.1, 0.0], [2]),
        ([1.0, 1.0, 1.0], [0]),
        ([-1.0, -2.0], []),
        ([3.0], []),
        ([], []),
    ],
)
def test_named_is_what_makes_up_half_of_what_speaks_for_it(contributions: list[float], chosen: list[int]) -> None:
    assert named(contributions).tolist() == chosen


async def test_the_named_are_tried_against_as_many_others() -> None:
    found = await trial(FALLS.tolist(), adding_up(FALLS), np.random.default_rng(0))
    assert found is not None
    assert (found.named, found.count, found.won) == (4.0, 1, True)
    assert found.random in (0.1, 0.2, 2.0, 0.0)


async def test_a_wrong_order_loses() -> None:
    found = await trial([0.0, 0.0, 0.0, 0.0, 1.0], adding_up(FALLS), np.random.default_rng(0))
    assert found is not None
    assert not found.won


async def test_others_without_which_it_rises_by_more_win() -> None:
    found = await trial([1.0, 0.0], adding_up(np.array([0.5, -0.8])), np.random.default_rng(0))
    assert found is not None
    assert not found.won


async def test_a_better_order_has_the_larger_areas() -> None:
    best, worst = await areas([decisive_first(FALLS.tolist()), np.argsort(FALLS)], adding_up(FALLS))
    assert best.deletion > worst.deletion
    assert best.insertion > worst.insertion


async def test_areas_of_equal_parts_are_half_of_all_that_can_fall() -> None:
    (found,) = await areas([np.arange(5)], adding_up(np.ones(5)))
    assert found.deletion == pytest.approx(2.5)
    assert found.insertion == pytest.approx(2.5)
