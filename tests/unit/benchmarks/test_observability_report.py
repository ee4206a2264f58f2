import pytest

from benchmarks.observability.report import Turns
from benchmarks.observability.sides import BARE, OBSERVED


def test_what_is_lost_is_the_median_of_rounds_on_a_machine_that_slows_down() -> None:
    turns = Turns(100)
    for bare, observed in ((1.0, 1.02), (2.0, 2.04), (4.0, 8.0)):
        turns.add(BARE, bare, bare / 2, 0.0)
        turns.add(OBSERVED, observed, observed / 2, 0.0)
    assert turns.overhead(OBSERVED) == pytest.approx(1 - 1 / 1.02)
    assert turns.cpu_overhead(OBSERVED) == pytest.approx(0.02)
    assert turns.rate(BARE) == 50
    assert turns.overhead(BARE) == 0
