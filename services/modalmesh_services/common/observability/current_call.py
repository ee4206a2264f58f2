"""The call that the running code works for: what logs and the next hop are to know of it. Knows no grpc."""

from contextvars import ContextVar
from dataclasses import dataclass


# Not frozen, which would take thrice as long to make, for every call.
@dataclass(slots=True)
class CurrentCall:
    """`method` is the full name, such as /modalmesh.v1.Recommender/Recommend."""

    method: str
    request_id: str


_current: ContextVar[CurrentCall | None] = ContextVar("current_call", default=None)


def enter_call(call: CurrentCall) -> None:
    """From here on in this task, and in those that it starts. Every call has a task of its own, so nothing ends it."""
    _current.set(call)


def current_call() -> CurrentCall | None:
    """None in work of nobody's, such as a task in the background or a device's thread."""
    return _current.get()
