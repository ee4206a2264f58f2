"""What may hold a password is shown without it."""

import re

MASK = "***"
# Redis takes a password behind the question mark, too.
_IN_QUERY = re.compile(r"([?&]password=)[^&]*", re.IGNORECASE)
# Up to the last @: a password may hold what ought to have been escaped.
_BEFORE_HOST = re.compile(r"^([^:/?#]+://[^:/?#@]*:).*(?=@)", re.DOTALL)


def masked(url: str) -> str:
    """The URL with `***` for its password; what is no URL is masked whole where it may hold one."""
    if "@" in url and "://" not in url:
        return MASK
    return _BEFORE_HOST.sub(rf"\g<1>{MASK}", _IN_QUERY.sub(rf"\g<1>{MASK}", url))
