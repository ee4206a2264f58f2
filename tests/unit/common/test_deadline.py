import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modalmesh.errors import DeadlineExceeded
from modalmesh_services.common.deadline import Deadline

YEAR = 365 * 24 * 3600


@pytest.mark.parametrize("seconds", [None, 9.2e18, math.inf])
def test_no_deadline_is_a_year_and_never_overflows(seconds: float | None) -> None:
    assert YEAR - 60 < Deadline.after(seconds).remaining <= YEAR


@given(st.floats(-1e9, 1e9))
def test_remaining_is_never_negative_nor_above_what_was_given(seconds: float) -> None:
    assert 0 <= Deadline.after(seconds).remaining <= max(0, seconds)


def test_remaining_falls_as_time_passes() -> None:
    deadline = Deadline.after(60)
    before = deadline.remaining
    time.sleep(0.01)
    assert deadline.remaining <= before - 0.01


def test_check_raises_once_the_time_has_run_out() -> None:
    Deadline.after(60).check()
    with pytest.raises(DeadlineExceeded, match="has passed"):
        Deadline.after(0).check()
