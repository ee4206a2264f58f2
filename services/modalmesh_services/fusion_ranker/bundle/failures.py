"""Why a bundle is refused, each reason a stable word for programs."""

from modalmesh.errors import InvalidInput

NO_BUNDLE = "NO_BUNDLE"
"""There is no bundle at that place."""
NOT_WHOLE = "BUNDLE_NOT_WHOLE"
"""Torn, damaged or changed after it was written."""
LATER_FORMAT = "BUNDLE_LATER_FORMAT"
UNKNOWN_SYSTEM = "BUNDLE_UNKNOWN_SYSTEM"
OUTSIDE = "BUNDLE_PATH_OUTSIDE"


def refused(file: str, why: str, reason: str) -> InvalidInput:
    """`file` is what is to blame."""
    return InvalidInput(file, why, reason=reason)
