"""A data folder goes into a mesh, by the client's calls alone: items first, then events."""

import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from modalmesh.client import Client
from modalmesh.data_folder import EVENTS, ITEMS, BadLine, DataFolder, Located
from modalmesh.types import Event, Item, Refusal, UpsertSummary

MAX_REFUSED = 1000
"""As many refusals as a summary lists; it counts them all."""

_FIELDS = {ITEMS: {"time_ms": "time"}, EVENTS: {"time_ms": "timestamp", "value": "rating"}}
"""What the files call what the mesh refuses by another name."""

Progress = Callable[[str, int, int], None]
"""Called with a file's name, how many of its lines are settled, and how many it has."""

Value = TypeVar("Value", Item, Event)


@dataclass(slots=True)
class IngestSummary:
    """What became of a folder.

    `items` and `events` are those that the mesh now has from it (new, changed or known before); of these
    `unchanged` items and `duplicates` among the events were there already. `refused` lists the first 1,000 of
    `refused_count` complaints, in file order; of an item that went in without a part, it names that part.
    `failed` items or events did not go in at all; of `unusable_files` nothing did, for their header is wrong.
    """

    items: int = 0
    events: int = 0
    duplicates: int = 0
    unchanged: int = 0
    pending: int = 0
    truncated: int = 0
    encoded_texts: int = 0
    encoded_images: int = 0
    cache_hits: int = 0
    refused: list[BadLine] = field(default_factory=list)
    refused_count: int = 0
    failed: int = 0
    unusable_files: list[str] = field(default_factory=list)
    seconds: float = 0.0


def ingest(client: Client, folder: DataFolder | Path | str, progress: Progress | None = None) -> IngestSummary:
    """Send a folder's items, then its events, a chunk at a time with several under way.

    A line that is refused, here or by the mesh, is listed with its file and number; all others go in. Sending the
    same folder again stores and encodes nothing.

    Raises:
        NotFound: there is no data at `folder`.
        Unavailable, Overloaded, DeadlineExceeded: the mesh stayed away for longer than the client waits. What was
            stored stays; send the folder again.
        OSError: a file can't be read.
    """
    source = folder if isinstance(folder, DataFolder) else DataFolder(folder)
    summary, started = IngestSummary(), time.monotonic()
    _send_items(client, source, summary, progress or _quiet)
    _send_events(client, source, summary, progress or _quiet)
    summary.refused.sort(key=lambda bad: (bad.file != ITEMS, bad.line))
    summary.seconds = time.monotonic() - started
    return summary


class _Sender(Generic[Value]):
    """Passes on what a file's lines hold, and remembers where each came from."""

    def __init__(self, file: str, source: DataFolder, summary: IngestSummary, progress: Progress) -> None:
        self._file = file
        self._summary = summary
        self._progress = progress
        self._total = source.count_lines(file)
        self._line_of = array("Q")  # by position in the stream; 8 bytes an entry, for catalogues of any size
        self._entries = 0
        self._last_line = 0
        self._settled = 0

    def values(self, entries: Iterator[Located[Value] | BadLine]) -> Iterator[Value]:
        for entry in entries:
            if entry.line != self._last_line:
                self._entries += 1
                self._last_line = entry.line
            if isinstance(entry, BadLine):
                self._refuse(entry)
            else:
                self._line_of.append(entry.line)
                yield entry.value

    def settle(self, stored: int, refused: Sequence[Refusal], unlisted: int = 0) -> None:
        """Take in the answer to a chunk."""
        for refusal in refused:
            field_name = _FIELDS[self._file].get(refusal.field, refusal.field)
            self._refuse(BadLine(self._file, self._line_of[refusal.position], field_name, refusal.message))
        self._summary.refused_count += unlisted
        self._settled += stored + len(refused) + unlisted
        self._progress(self._file, min(self._settled, self._entries), self._total)

    def finish(self, stored: int) -> None:
        """All lines are settled: what isn't stored has failed."""
        self._summary.failed += self._entries - stored
        self._progress(self._file, self._total, self._total)

    def _refuse(self, bad: BadLine) -> None:
        self._summary.refused_count += 1
        if bad.is_whole_file:
            self._summary.unusable_files.append(bad.file)
        if len(self._summary.refused) < MAX_REFUSED:
            self._summary.refused.append(bad)


def _send_items(client: Client, source: DataFolder, summary: IngestSummary, progress: Progress) -> None:
    sender: _Sender[Item] = _Sender(ITEMS, source, summary, progress)
    for answer in client.upsert_chunks(sender.values(source.located_items())):
        stored = answer.created + answer.updated + answer.unchanged
        _add_items(summary, answer, stored)
        sender.settle(stored, answer.refused, answer.refused_count - len(answer.refused))
    sender.finish(summary.items)


def _add_items(summary: IngestSummary, answer: UpsertSummary, stored: int) -> None:
    summary.items += stored
    for name in ("unchanged", "pending", "truncated", "encoded_texts", "encoded_images", "cache_hits"):
        setattr(summary, name, getattr(summary, name) + getattr(answer, name))


def _send_events(client: Client, source: DataFolder, summary: IngestSummary, progress: Progress) -> None:
    sender: _Sender[Event] = _Sender(EVENTS, source, summary, progress)
    for answer in client.record_chunks(sender.values(source.located_events())):
        stored = answer.recorded + answer.duplicates
        summary.events += stored
        summary.duplicates += answer.duplicates
        sender.settle(stored, answer.refused)
    sender.finish(summary.events)


def _quiet(file: str, settled: int, total: int) -> None:
    """Nobody watches."""
