from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from modalmesh_services.fusion_ranker.evaluation.bootstrap import Interval
from modalmesh_services.fusion_ranker.evaluation.results import SystemResult


def result(figures: Mapping[str, Sequence[float]]) -> SystemResult:
    values = {name: np.array(own, np.float32) for name, own in figures.items()}
    count = len(next(iter(values.values())))
    nobody = np.zeros(0, np.int32)
    empty = np.zeros(0, np.float32), np.zeros(0, np.bool_)
    return SystemResult(np.arange(count, dtype=np.int32), values, nobody, *empty, Interval(0, 0, 0), 0.0, ("only",))


def test_two_systems_are_compared_by_the_users_of_whom_a_figure_says_something() -> None:
    ours = result({"recall@20.cold": [0.5, np.nan, 1.0]})
    theirs = result({"recall@20.cold": [0.25, np.nan, 0.5]})
    difference = ours.difference("recall@20.cold", theirs)
    assert difference.value == pytest.approx(0.375)
    assert 0.25 <= difference.low <= difference.high <= 0.5
    ratio = ours.ratio("recall@20.cold", theirs)
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((2.0, 2.0, 2.0))
