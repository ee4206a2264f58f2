"""The schedule of a call's tries, whatever it meets: by a clock that only sleeping moves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modalmesh.client import clock
from modalmesh.client.attempts import Attempts
from modalmesh.client.backoff import FIRST_WAIT, LONGEST_WAIT, backoff
from modalmesh.client.calls import Call
from modalmesh.client.peer import Peer
from modalmesh.errors import DeadlineExceeded, InternalError, ModalmeshError, Overloaded, Unavailable
from modalmesh.status import DETAILS_KEY, REQUEST_ID_KEY, status_code, to_status
from modalmesh.v1.recommender_service_pb2 import GetStatusRequest

HINTS = st.floats(0.0, 120.0)
RETRYABLE = st.one_of(
    HINTS.map(lambda hint: Overloaded("full", retry_after=hint)),
    HINTS.map(lambda hint: Unavailable("redis", "redis is down", retry_after=hint)),
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0


@pytest.fixture(scope="module")
def fake() -> Iterator[Clock]:
    """Of the module: hypothesis runs many examples in one test."""
    running = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: running.now)
        yield running


def raised(error: ModalmeshError) -> grpc.RpcError:
    """As a stub raises it."""
    details = grpc.aio.Metadata((DETAILS_KEY, to_status(error).SerializeToString()))
    return grpc.aio.AioRpcError(status_code(error), grpc.aio.Metadata(), details, error.message)


def calling(method: str) -> Call[None]:
    return Call(method, GetStatusRequest(), lambda _: None)


def answering_peer() -> Peer:
    peer = Peer("mesh:1")
    peer.answered = True
    return peer


@given(waits=st.integers(0, 100_000), hint=st.one_of(st.just(0.0), HINTS))
def test_a_wait_is_never_shorter_than_the_hint_nor_longer_than_need_be(waits: int, hint: float) -> None:
    wait = backoff(waits, hint)
    assert hint <= wait <= max(LONGEST_WAIT, hint * 1.25)
    assert wait >= FIRST_WAIT / 2


def test_waits_grow_to_the_longest_and_differ_among_callers() -> None:
    longest = [max(backoff(waits, 0.0) for _ in range(200)) for waits in range(6)]
    assert longest[0] <= 0.25 < longest[1] <= 0.5 < longest[2] <= 1.0 < longest[3]
    assert max(longest) <= 2.0
    assert len({backoff(5, 0.0) for _ in range(200)}) > 100


@dataclass
class Try:
    """When it failed and how, and when the next one may go; None where it was the last."""

    failed_at: float
    error: ModalmeshError
    next_at: float | None = None


def ride(fake: Clock, attempts: Attempts, failing: Callable[[], ModalmeshError]) -> tuple[list[Try], ModalmeshError]:
    """Try until the error is raised."""
    tries: list[Try] = []
    while len(tries) < 100_000:
        error = failing()
        tries.append(Try(fake.now, error))
        try:
            for wait in attempts.waits_after(raised(error)):
                fake.now += wait
        except ModalmeshError as last:
            return tries, last
        tries[-1].next_at = fake.now
    raise AssertionError("never ends")


@given(timeout=st.floats(0.01, 600.0), failures=st.lists(st.tuples(st.floats(0.0, 1.0), RETRYABLE), min_size=1))
def test_tries_go_on_until_the_deadline_and_never_past_it_nor_before_the_hint(
    fake: Clock, timeout: float, failures: list[tuple[float, ModalmeshError]]
) -> None:
    """Each try takes a share of what is left, and fails."""
    coming = cycle(failures)
    attempts, end = Attempts(answering_peer(), calling("Recommend"), timeout), fake.now + timeout

    def failing() -> ModalmeshError:
        share, error = next(coming)
        fake.now += share * (attempts.remaining or 0.0)
        return error

    tries, last = ride(fake, attempts, failing)
    assert (type(last), last.tries) == (type(tries[-1].error), len(tries))
    assert last.seconds == pytest.approx(fake.now - (end - timeout))
    for each in tries:
        hint = each.error.retry_after  # type: ignore[attr-defined]  # RETRYABLE have one
        if each.next_at is None:
            # What is left is less than the wait that the server or the schedule asks for.
            assert end - each.failed_at <= max(LONGEST_WAIT, hint * 1.25)
        else:
            assert each.failed_at + hint - 1e-6 <= each.next_at < end


@given(patience=st.floats(1.0, 100.0), worked=st.floats(0.0, 1000.0))
def test_without_a_deadline_tries_go_on_for_the_clients_own_timeout(
    fake: Clock, patience: float, worked: float
) -> None:
    peer = Peer("mesh:1", timeout=patience)
    peer.answered = True
    attempts = Attempts(peer, calling("Recommend"), float("inf"))
    fake.now += worked
    failed_at = fake.now
    ride(fake, attempts, lambda: Unavailable("redis", "is down", retry_after=0.0))
    assert patience - LONGEST_WAIT <= fake.now - failed_at < patience


def test_a_client_without_any_deadline_gives_up_all_the_same() -> None:
    assert Peer("mesh:1", timeout=float("inf")).patience == 30.0


def test_what_may_not_be_repeated_is_tried_once(fake: Clock) -> None:
    attempts = Attempts(answering_peer(), calling("ChargeCard"), 30.0)
    with pytest.raises(Unavailable) as last:
        next(attempts.waits_after(raised(Unavailable("redis", "redis is down"))))
    assert last.value.tries == 1


def test_a_call_that_can_be_answered_never_waits_for_those_that_cannot(fake: Clock) -> None:
    peer, down = answering_peer(), Unavailable("text-encoder", "is down", retry_after=0.0)
    for _ in range(100):
        ride(fake, Attempts(peer, calling("SearchItems"), 30.0), lambda: down)
        while peer.budget("SearchItems").take(fake.now):
            pass
    failed_at = fake.now
    for wait in Attempts(peer, calling("Recommend"), 30.0).waits_after(raised(down)):
        fake.now += wait
    assert fake.now - failed_at <= FIRST_WAIT


def test_a_stream_that_breaks_gives_back_no_more_than_it_took(fake: Clock) -> None:
    peer, failed = answering_peer(), InternalError("internal error")
    budget = peer.budget("GetEmbeddings")
    while budget.take(fake.now):
        pass
    attempts = Attempts(peer, calling("GetEmbeddings"), 30.0)
    for wait in attempts.waits_after(raised(Unavailable("redis", "is down", retry_after=0.0))):
        fake.now += wait
    while budget.take(fake.now):
        pass
    attempts.answered()
    with pytest.raises(InternalError):
        next(attempts.waits_after(raised(failed)))
    assert [budget.take(fake.now) for _ in range(2)] == [True, False]


def test_a_deadline_that_passed_here_alone_is_no_answer() -> None:
    peer = Peer("mesh:1")
    peer.error_of(raised(DeadlineExceeded("Deadline Exceeded")))
    assert not peer.answered
    metadata = grpc.aio.Metadata((REQUEST_ID_KEY, "a" * 32))
    told = grpc.aio.AioRpcError(grpc.StatusCode.DEADLINE_EXCEEDED, grpc.aio.Metadata(), metadata, "too late")
    peer.error_of(told)
    assert peer.answered
