"""A data folder -> what is encoded of its items, and who liked them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from modalmesh.data_folder import EVENTS, ITEMS, BadLine, DataFolder
from modalmesh.errors import InvalidInput
from modalmesh.positive import PositiveRule
from modalmesh.types import Event, Modality
from modalmesh_services.fine_tuning.encoder import TunableEncoder
from modalmesh_services.fine_tuning.vectors import Contents
from modalmesh_services.fusion_ranker.dataset import Interactions
from modalmesh_services.fusion_ranker.dataset.arrays import Indexes

_INPUTS = {"text": "text", "image": "picture that can be read"}


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """`liked`: for each user the items, each once, in time order; `fingerprint` names the folder's two files."""

    contents: Contents
    liked: tuple[Indexes, ...]
    fingerprint: str
    consequences: tuple[str, ...]


def read(folder: DataFolder, modality: Modality, encoder: TunableEncoder, tell: Callable[[int, int], None]) -> Data:
    """Items that somebody likes and that have the modality; `tell` hears how many lines are read, of how many.

    Raises:
        InvalidInput: nothing can be learned from these data; says why.
    """
    events = [event for event in folder.events() if isinstance(event, Event)]
    positive = PositiveRule()
    wanted = {event.item_id for event in events if positive(event)}
    if not wanted:
        message = f"none of its {len(events):,} events is positive: there is nothing to learn from"
        raise InvalidInput(EVENTS, message, reason="NO_POSITIVES")
    contents, spoiled = _contents(folder, encoder, wanted, tell)
    if not contents.item_ids:
        message = f"no item that anybody likes has a {_INPUTS[modality]}: nothing is learned from {modality}"
        raise InvalidInput(ITEMS, message, reason="NO_PICTURES" if modality == "image" else "NO_TEXTS")
    index = {item_id: row for row, item_id in enumerate(contents.item_ids)}
    histories = Interactions.collect(events, index).histories
    liked = tuple(_once(history.liked) for history in histories)
    if not any(len(items) > 1 for items in liked):
        message = f"no user likes two items that have a {_INPUTS[modality]}: there are no positive pairs"
        raise InvalidInput(EVENTS, message, reason="NO_PAIRS")
    consequences = [f"{spoiled:,} inputs or lines of {ITEMS} can't be used and are left out."] if spoiled else []
    if len({time for history in histories for time in history.times_ms[history.positive].tolist()}) == 1:
        consequences.append("All timestamps are equal: what was liked next is told from the order of item ids.")
    return Data(contents, liked, _fingerprint(folder), tuple(consequences))


def _contents(
    folder: DataFolder, encoder: TunableEncoder, wanted: set[str], tell: Callable[[int, int], None]
) -> tuple[Contents, int]:
    """What is encoded of these items, and how much of them can't be."""
    store, starts, item_ids = encoder.store(), [0], []
    lines, spoiled = folder.count_lines(ITEMS), 0
    for number, item in enumerate(folder.items(), start=1):
        if isinstance(item, BadLine):
            spoiled += 1
            continue
        # Of an id that comes twice, the first one counts here; a mesh would have the last one.
        if item.item_id not in wanted:
            continue
        wanted.discard(item.item_id)
        for prepared in encoder.prepare(item):
            if prepared is None:
                spoiled += 1
            else:
                store.add(prepared)
        if len(store) > starts[-1]:
            item_ids.append(item.item_id)
            starts.append(len(store))
        tell(min(number, lines), lines)
    tell(lines, lines)
    return Contents(tuple(item_ids), store, starts), spoiled


def _once(items: Indexes) -> Indexes:
    """Each at its first place."""
    _, first = np.unique(items, return_index=True)
    return np.asarray(items[np.sort(first)], np.int32)


def _fingerprint(folder: DataFolder) -> str:
    digest = hashlib.sha256()
    for name in (ITEMS, EVENTS):
        path = folder.path / name
        if path.is_file():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:32]
