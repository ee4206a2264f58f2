"""What names a request in all logs that it leaves. Knows no grpc."""

import re
import secrets
from itertools import count

LONGEST = 128

# What is safe in a log line, a header and a shell. Anything else could be made to look like a line of ours.
_ACCEPTABLE = re.compile(rf"[A-Za-z0-9._:/+=@-]{{1,{LONGEST}}}")


# It names and guards nothing: a number after a prefix is made in a fraction of the time of a random one.
_PREFIX = secrets.token_hex(8)
_numbers = count(1)


def new_request_id() -> str:
    """Unlike any other's, of this process or another."""
    return f"{_PREFIX}{next(_numbers):016x}"


def accepted(given: str | bytes | None) -> str:
    """The caller's own id, or a new one where it gave none or one that isn't acceptable."""
    if isinstance(given, str) and _ACCEPTABLE.fullmatch(given):
        return given
    return new_request_id()
