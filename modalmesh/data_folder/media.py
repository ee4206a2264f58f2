"""Pictures and videos that an item names, read from inside the folder and from nowhere else."""

from collections.abc import Sequence
from pathlib import Path

from modalmesh.errors import InvalidInput, TooLarge

MAX_ITEM_BYTES = 60 * 1024 * 1024
"""All media of one item: it travels in one message of 64 MiB, beside its text."""

_WITHOUT = "; the item goes in without it"


class MediaReader:
    """Reads one item's files. What can't be read is a complaint, and the item goes without it."""

    def __init__(self, folder: Path) -> None:
        self._root = folder.resolve()
        self._left = MAX_ITEM_BYTES
        self.complaints: list[InvalidInput] = []

    def read(self, field: str, names: Sequence[str]) -> list[tuple[str, bytes]]:
        """Name and content of those that can be read."""
        found: list[tuple[str, bytes]] = []
        for position, name in enumerate(names):
            place = field if field == "video" else f"{field}[{position}]"
            try:
                found.append((name, self._content(place, name)))
            except InvalidInput as error:
                self.complaints.append(error)
        return found

    def _content(self, field: str, name: str) -> bytes:
        try:
            return self._read_inside(field, name)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise InvalidInput(field, f"{name[:200]!r}: {reason}{_WITHOUT}", reason="UNREADABLE") from error
        except ValueError as error:  # a name that no file can have, such as one with a zero byte
            raise InvalidInput(field, f"{name[:200]!r}: {error}{_WITHOUT}", reason="UNREADABLE") from error

    def _read_inside(self, field: str, name: str) -> bytes:
        path = (self._root / name).resolve()
        # Links are followed first: one that leads out is no way around this.
        if not path.is_relative_to(self._root):
            raise InvalidInput(field, f"{name[:200]!r} leads out of the folder{_WITHOUT}", reason="OUTSIDE_FOLDER")
        if not path.is_file():
            raise InvalidInput(field, f"{name[:200]!r}: no such file{_WITHOUT}", reason="NO_FILE")
        size = path.stat().st_size
        if not size:
            raise InvalidInput(field, f"{name[:200]!r} is an empty file{_WITHOUT}", reason="EMPTY")
        if size > self._left:
            raise TooLarge(
                field,
                f"{name[:200]!r} has {size:,} bytes, {self._left:,} of {MAX_ITEM_BYTES:,} are left{_WITHOUT}",
            )
        self._left -= size
        return path.read_bytes()
