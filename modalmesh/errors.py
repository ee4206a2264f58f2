"""Everything that modalmesh refuses or fails with; servers raise it, clients get the same class back.

    ModalmeshError
     x InvalidInput          the caller's input; names field and reason        INVALID_ARGUMENT
     . x TooLarge            ... is above a limit                              INVALID_ARGUMENT
     x NotFound              no such item, namespace, user                     NOT_FOUND
     x ModelMismatch         vectors of another model or revision              FAILED_PRECONDITION
     x Overloaded            refused early; says when to come back             RESOURCE_EXHAUSTED
     x Unavailable           a part is down; says which and when to try again  UNAVAILABLE
     x DeadlineExceeded      the caller's time ran out                         DEADLINE_EXCEEDED
     x InternalError         a fault of ours; the log has it                   INTERNAL

modalmesh.status holds the one table that maps these to gRPC.
"""


class ModalmeshError(Exception):
    """The root. `reason` is stable and for programs, `message` is for people. The error of a call that reached a mesh
    has the `request_id` by which the logs and traces speak of it. A call that a client gave up was tried `tries` times
    within `seconds`; the error is the last try's.
    """

    reason = "INTERNAL"
    request_id = ""
    tries = 1
    seconds = 0.0

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or type(self).reason

    def __str__(self) -> str:
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.told}{request}"

    @property
    def told(self) -> str:
        """The message, and how often the call was tried where that was more than once."""
        return f"{self.message} ({self.tries} tries in {self.seconds:.1f} s)" if self.tries > 1 else self.message


class InvalidInput(ModalmeshError):
    """The caller's input is wrong. `field` is a path such as `items[3].title`."""

    reason = "INVALID"

    def __init__(self, field: str, message: str, *, reason: str | None = None) -> None:
        super().__init__(f"{field}: {message}" if field else message, reason=reason)
        self.field = field
        self.detail = message


class TooLarge(InvalidInput):
    """The input is above a limit."""

    reason = "TOO_LARGE"


class NotFound(ModalmeshError):
    reason = "NOT_FOUND"


class ModelMismatch(ModalmeshError):
    """Vectors of two models met; they are never compared."""

    reason = "MODEL_MISMATCH"


class _Retryable(ModalmeshError):
    """`retry_after` is in seconds; math.inf where a server that has no room says nothing of when it will."""

    def __init__(self, message: str, *, retry_after: float = 1.0, reason: str | None = None) -> None:
        super().__init__(message, reason=reason)
        self.retry_after = retry_after


class Overloaded(_Retryable):
    reason = "OVERLOADED"


class Unavailable(_Retryable):
    """`part` names what is down, such as redis or text-encoder."""

    reason = "UNAVAILABLE"

    def __init__(self, part: str, message: str, *, retry_after: float = 1.0, reason: str | None = None) -> None:
        super().__init__(message, retry_after=retry_after, reason=reason)
        self.part = part


class DeadlineExceeded(ModalmeshError):
    reason = "DEADLINE_EXCEEDED"


class InternalError(ModalmeshError):
    reason = "INTERNAL"
