import pytest

from modalmesh_services.common.engine.speed import Drain, Speed


def test_nothing_is_known_before_anything_was_measured() -> None:
    assert Speed().seconds(10) is None


def test_a_lone_short_input_says_little_of_how_fast_many_are() -> None:
    speed = Speed()
    speed.observe(3, 0.05, saturated=False)
    speed.observe(4_000, 1.0, saturated=False)
    assert speed.seconds(4_000) == pytest.approx(1.0)


def test_what_was_slow_for_want_of_work_changes_nothing() -> None:
    speed = Speed()
    speed.observe(4_000, 1.0, saturated=True)
    speed.observe(3, 1.0, saturated=False)
    assert speed.seconds(4_000) == pytest.approx(1.0)


def test_under_load_speed_follows_smoothly() -> None:
    speed = Speed()
    for _ in range(20):
        speed.observe(1_000, 1.0, saturated=True)
    speed.observe(1_000, 2.0, saturated=True)
    assert speed.seconds(1_000) == pytest.approx(1.2)


def test_a_queue_is_measured_over_what_came_out_of_it() -> None:
    drain = Drain()
    drain.begin(0.0)
    drain.done(100, 0.1, saturated=True, empty=False)
    drain.done(100, 0.4, saturated=True, empty=False)
    assert drain.seconds(1_000) == pytest.approx(2.0)
