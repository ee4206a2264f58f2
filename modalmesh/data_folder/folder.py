"""DataFolder: lines become items and events, or complaints."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from modalmesh.data_folder.event_rows import HEADER_FIELD, check_header, parse_event
from modalmesh.data_folder.item_lines import parse_item
from modalmesh.data_folder.lines import count_lines, read_lines
from modalmesh.errors import InvalidInput, NotFound
from modalmesh.types import Event, Item

ITEMS = "items.jsonl"
EVENTS = "interactions.csv"

Value = TypeVar("Value", Item, Event)


@dataclass(frozen=True, slots=True)
class BadLine:
    """What was refused of a file, and why. The rest of the file goes on; what becomes of the item, `message` says."""

    file: str
    line: int
    field: str
    message: str

    @property
    def is_whole_file(self) -> bool:
        """Whether nothing of the file could be used: its header is wrong."""
        return self.field == HEADER_FIELD


@dataclass(frozen=True, slots=True)
class Located(Generic[Value]):
    """What a line holds. Lines count from 1."""

    line: int
    value: Value


class DataFolder:
    """Reads a data folder, as often as you ask.

    Raises:
        NotFound: there is no such folder, or neither of its two files.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not self.path.is_dir():
            raise NotFound(f"{self.path}: no such folder", reason="NO_FOLDER")
        if not any((self.path / name).is_file() for name in (ITEMS, EVENTS)):
            raise NotFound(f"{self.path}: holds neither {ITEMS} nor {EVENTS}", reason="NO_DATA")

    def items(self) -> Iterator[Item | BadLine]:
        """Items in file order, each with its pictures' bytes; complaints about parts of an item come before it."""
        return (entry if isinstance(entry, BadLine) else entry.value for entry in self.located_items())

    def events(self) -> Iterator[Event | BadLine]:
        """Events in file order; their ids are their rows' hashes, so that reading again adds nothing."""
        return (entry if isinstance(entry, BadLine) else entry.value for entry in self.located_events())

    def located_items(self) -> Iterator[Located[Item] | BadLine]:
        """`items`, each with its line."""
        for number, line in self._lines(ITEMS):
            try:
                item, complaints = parse_item(_text(line), self.path)
            except InvalidInput as error:
                yield _bad(ITEMS, number, error)
                continue
            for complaint in complaints:
                yield _bad(ITEMS, number, complaint)
            yield Located(number, item)

    def located_events(self) -> Iterator[Located[Event] | BadLine]:
        """`events`, each with its line."""
        path = self.path / EVENTS
        return events_of_file(path) if path.is_file() else iter(())

    def count_lines(self, file: str) -> int:
        """Lines of ITEMS or EVENTS, for a progress bar; 0 where the file is absent."""
        path = self.path / file
        return count_lines(path) if path.is_file() else 0

    def _lines(self, file: str) -> Iterator[tuple[int, str | InvalidInput]]:
        path = self.path / file
        return read_lines(path) if path.is_file() else iter(())


def events_of_file(path: Path) -> Iterator[Located[Event] | BadLine]:
    """A file as EVENTS, wherever it lies. A wrong header makes the whole file one complaint."""
    columns = 0
    for number, line in read_lines(path):
        try:
            if not columns:
                columns = check_header(_text(line))
                continue
            event = parse_event(_text(line), columns)
        except InvalidInput as error:
            yield _bad(path.name, number, error)
            if not columns:
                return
            continue
        yield Located(number, event)


def _text(line: str | InvalidInput) -> str:
    if isinstance(line, InvalidInput):
        raise line
    return line


def _bad(file: str, line: int, error: InvalidInput) -> BadLine:
    return BadLine(file, line, error.field, error.detail)
