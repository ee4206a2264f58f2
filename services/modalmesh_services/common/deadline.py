"""A deadline as a value that travels with the work. Knows no grpc."""

import time
from dataclasses import dataclass

from modalmesh.errors import DeadlineExceeded

# A caller without a deadline: far enough to never run out, near enough for every clock.
_FOREVER = 365 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point on the monotonic clock, in seconds."""

    at: float

    @classmethod
    def after(cls, seconds: float | None) -> "Deadline":
        """`seconds` from now; None, or gRPC's 9.2e18 for no deadline, is a year."""
        return cls(time.monotonic() + min(_FOREVER if seconds is None else seconds, _FOREVER))

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - time.monotonic())

    @property
    def expired(self) -> bool:
        return self.remaining <= 0

    def check(self) -> None:
        """Raise DeadlineExceeded when the time has run out."""
        if self.expired:
            raise DeadlineExceeded("the caller's deadline has passed")
