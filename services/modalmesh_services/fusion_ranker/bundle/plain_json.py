"""JSON whose bytes depend on nothing but what it says, and that holds no NaN."""

import json
from typing import Any, TypeVar

from modalmesh_services.fusion_ranker.bundle.failures import NOT_WHOLE, refused

Kind = TypeVar("Kind", list[Any], dict[str, Any])


def to_json(document: Any) -> bytes:
    """Raises:
    ValueError, TypeError: it isn't JSON.
    """
    # Lone surrogates, which are no UTF-8, are escaped like all that isn't ASCII.
    return (json.dumps(document, sort_keys=True, indent=1, allow_nan=False) + "\n").encode("ascii")


def from_json(content: bytes, file: str, kind: type[Kind]) -> Kind:
    """A document of this kind, a list or an object.

    Raises:
        InvalidInput: it isn't; names `file`.
    """
    try:
        document = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise refused(file, f"is no JSON ({error})", NOT_WHOLE) from error
    if not isinstance(document, kind):
        raise refused(file, "is another kind of JSON than it should be", NOT_WHOLE)
    return document


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")
