"""How large an answer gets: at most, before anything is encoded, and exactly, before it is sent. Knows no protobuf."""

from modalmesh.embeddings import Dtype
from modalmesh.errors import TooLarge

# What a row takes beside its numbers: its place in the input, and an I8's scale.
_PLACE_BYTES = 40
# What is said of an input, and of the model.
_RESULT_BYTES = 128


def most_bytes(rows: int, dim: int, dtype: Dtype) -> int:
    """Of one input's answer with so many rows, as a message."""
    return rows * (dim * dtype.number_bytes + _PLACE_BYTES) + _RESULT_BYTES


def too_large(size: int, limit: int) -> TooLarge | None:
    """Why an input whose answer alone may not fit a message is refused."""
    if size <= limit:
        return None
    return TooLarge("", f"may give an answer of {size} bytes, the limit is {limit}")


def check_answer(size: int, limit: int, field: str) -> None:
    """Refuse a call whose answer may not fit a message.

    Raises:
        TooLarge: names `field`.
    """
    if size > limit:
        raise TooLarge(field, f"may give an answer of {size} bytes, the limit is {limit}: send fewer at once")
