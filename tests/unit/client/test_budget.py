"""What a client's further tries may add to the load of a mesh, whatever its callers do."""

from hypothesis import given
from hypothesis import strategies as st

from modalmesh.client.budget import RetryBudget

STEPS = st.lists(
    st.tuples(
        st.floats(0.0, 3.0),  # seconds that pass
        st.sampled_from(("first succeeds", "retry succeeds", "retry fails")),
        st.integers(1, 40),
    ),
    max_size=20,
)


@given(steps=STEPS)
def test_tries_that_fail_stay_within_a_share_of_successes_and_a_rate(
    steps: list[tuple[float, str, int]],
) -> None:
    budget, now, failed, succeeded = RetryBudget(), 0.0, 0, 0
    for seconds, kind, count in steps:
        now += seconds
        for _ in range(count):
            if kind == "first succeeds":
                budget.succeeded(took=False)
                succeeded += 1
            elif budget.take(now):
                if kind == "retry succeeds":
                    budget.succeeded(took=True)
                    succeeded += 1
                else:
                    failed += 1
        assert failed <= 20 + 10 * now + 0.1 * succeeded + 1e-6


def spent() -> RetryBudget:
    budget = RetryBudget()
    while budget.take(0.0):
        pass
    return budget


def test_a_client_of_few_callers_never_runs_out() -> None:
    budget = RetryBudget()
    assert all(budget.take(number / 8) for number in range(1000))


def test_what_is_spent_comes_back_with_time() -> None:
    budget = spent()
    assert not budget.take(0.05)
    assert budget.take(0.15)
    assert not budget.take(0.16)


def test_tries_that_succeed_cost_nothing_so_that_those_who_wait_follow_at_once() -> None:
    budget = spent()
    assert budget.take(0.1)
    for _ in range(1000):
        budget.succeeded(took=True)
        assert budget.take(0.1)


def test_successes_let_more_go_at_once() -> None:
    budget = spent()
    for _ in range(55):
        budget.succeeded(took=False)
    assert [budget.take(0.0) for _ in range(6)] == [True] * 5 + [False]


def test_a_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    budget = spent()
    assert not budget.take(-5.0)
    assert not budget.take(0.0)
