"""The one place where Redis's failures become modalmesh errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,  # noqa: A004 - redis names them so
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,  # noqa: A004 - redis names them so
    TryAgainError,
)

from modalmesh.errors import Unavailable

PART = "redis"
FORBIDDEN = "REDIS_FORBIDS"

# Answers of a server that is there but can't do its work now; redis-py knows no class of their own for them.
_TEMPORARY = ("MISCONF", "NOREPLICAS", "BUSY")


@contextmanager
def redis_failures() -> Iterator[None]:
    """Raise Unavailable for what will pass or is the operator's to cure; let errors of our own making through."""
    try:
        yield
    except RedisError as error:
        unavailable = to_unavailable(error)
        if unavailable is None:
            raise
        raise unavailable from error


def to_unavailable(error: RedisError) -> Unavailable | None:
    match error:
        case OutOfMemoryError():
            message = "Redis is out of memory and evicts nothing (maxmemory, noeviction): nothing was written"
            return Unavailable(PART, message, retry_after=10.0, reason="REDIS_OUT_OF_MEMORY")
        case ReadOnlyError():
            return Unavailable(PART, "Redis is a read-only replica", retry_after=5.0, reason="REDIS_READ_ONLY")
        case BusyLoadingError():
            return Unavailable(PART, "Redis is loading its data", retry_after=1.0, reason="REDIS_LOADING")
        case AuthenticationError():
            return Unavailable(PART, f"Redis refuses our credentials: {error}", retry_after=10.0, reason="REDIS_AUTH")
        case NoPermissionError():
            return Unavailable(PART, f"Redis forbids us a command: {error}", retry_after=10.0, reason=FORBIDDEN)
        case TimeoutError():
            return Unavailable(PART, "Redis doesn't answer in time", retry_after=1.0)
        case ConnectionError():
            return Unavailable(PART, f"Redis can't be reached: {error}", retry_after=1.0)
        case ClusterDownError() | TryAgainError():
            return Unavailable(PART, f"the Redis Cluster is not whole: {error}", retry_after=2.0)
        case ResponseError() if str(error).startswith(_TEMPORARY):
            return Unavailable(PART, f"Redis refuses: {error}", retry_after=2.0)
        case _:
            return None
