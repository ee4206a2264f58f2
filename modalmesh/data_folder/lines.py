"""Lines of a text file that may hold anything: too long ones, and bytes that are no UTF-8."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from modalmesh.errors import InvalidInput, TooLarge

MAX_LINE_BYTES = 16 * 1024 * 1024
"""A longer line is refused without being held in memory as a whole."""

_BLOCK_BYTES = 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_lines(path: Path) -> Iterator[tuple[int, str | InvalidInput]]:
    """Each line that isn't blank with its number from 1: its text, or why it is none.

    Raises:
        OSError: the file can't be read.
    """
    with path.open("rb") as file:
        number = 0
        while raw := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(raw) > MAX_LINE_BYTES:
                _skip_line(file)
                yield number, TooLarge("line", f"is longer than {MAX_LINE_BYTES:,} bytes")
                continue
            text = _decode(raw.removeprefix(_BYTE_ORDER_MARK) if number == 1 else raw)
            if text:
                yield number, text


def count_lines(path: Path) -> int:
    """Line ends in the file, and one more for a last line without."""
    count, last = 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            count += block.count(b"\n")
            last = block
    return count + (not last.endswith(b"\n"))


def _decode(raw: bytes) -> str | InvalidInput:
    try:
        return raw.decode().strip()
    except UnicodeDecodeError as error:
        return InvalidInput("line", f"byte {error.start + 1} is no UTF-8: 0x{raw[error.start]:02x}", reason="NOT_UTF8")


def _skip_line(file: BinaryIO) -> None:
    """Read on to the line's end, a block at a time."""
    while (rest := file.readline(_BLOCK_BYTES)) and not rest.endswith(b"\n"):
        pass
