"""A data folder -> a catalogue and its interactions, checked for what nothing can be learned from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from modalmesh.data_folder import BadLine, DataFolder
from modalmesh.data_folder.folder import events_of_file
from modalmesh.errors import InvalidInput
from modalmesh.positive import POSITIVE_RATING
from modalmesh.types import Item
from modalmesh_services.fusion_ranker.dataset.attributes import Attributes
from modalmesh_services.fusion_ranker.dataset.catalogue import NO_TIME, TAGS, Catalogue, tag_values
from modalmesh_services.fusion_ranker.dataset.embeddings import Embeddings
from modalmesh_services.fusion_ranker.dataset.history import Interactions
from modalmesh_services.fusion_ranker.dataset.tokens import Tokens

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """`consequences` says, in sentences, what can't be done with these data; `complaints` what was left out of them."""

    catalogue: Catalogue
    interactions: Interactions
    consequences: tuple[str, ...] = ()
    complaints: tuple[BadLine, ...] = ()


def read_dataset(
    folder: Path | str, embeddings: Embeddings | None = None, positive_rating: float = POSITIVE_RATING
) -> Dataset:
    """Read a data folder; without embeddings no item has a vector.

    Raises:
        NotFound: there is no such folder, or no data in it.
        InvalidInput: nothing can be learned from these data; says why.
    """
    source = DataFolder(folder)
    complaints: list[BadLine] = []
    items = _good(source.items(), complaints)
    catalogue = build_catalogue([_without_media(item) for item in items], embeddings)
    interactions = Interactions.collect(_good(source.events(), complaints), catalogue.index(), positive_rating)
    return Dataset(catalogue, interactions, check(catalogue, interactions), tuple(complaints))


def read_interactions(
    file: Path, catalogue: Catalogue, positive_rating: float = POSITIVE_RATING
) -> tuple[Interactions, tuple[BadLine, ...]]:
    """What a file like interactions.csv says of a catalogue's items, and which of its lines were left out.

    Raises:
        InvalidInput: it names no item of the catalogue.
    """
    complaints: list[BadLine] = []
    located = _good(events_of_file(file), complaints)
    interactions = Interactions.collect((each.value for each in located), catalogue.index(), positive_rating)
    if not len(interactions):
        why = complaints[0].message if complaints else f"{interactions.unknown_items} events are of other items"
        raise InvalidInput(str(file), f"holds no events of this catalogue's items: {why}", reason="NO_EVENTS")
    return interactions, tuple(complaints)


def build_catalogue(items: Sequence[Item], embeddings: Embeddings | None = None) -> Catalogue:
    """In the order of `items`; of an id that comes twice, the last one counts, as in the mesh."""
    last = {item.item_id: item for item in items}
    ids = tuple(last)
    nothing = Tokens.empty(len(ids))
    text, image = embeddings.of_items(ids) if embeddings else (nothing, nothing)
    return Catalogue(
        ids,
        np.array([NO_TIME if item.time_ms is None else item.time_ms for item in last.values()], np.int64),
        text,
        image,
        Attributes.collect([_attributes(item) for item in last.values()]),
    )


def check(catalogue: Catalogue, interactions: Interactions) -> tuple[str, ...]:
    """What these data don't allow, where it can be lived with.

    Raises:
        InvalidInput: there are no events, or all are of one class.
    """
    histories = interactions.histories
    if not len(interactions):
        other = f": {interactions.unknown_items} are of items that items.jsonl hasn't" * bool(
            interactions.unknown_items
        )
        raise InvalidInput("interactions.csv", f"holds no events of these items{other}", reason="NO_EVENTS")
    positive = sum(int(history.positive.sum()) for history in histories)
    if positive in (0, len(interactions)):
        kind = "positive" if positive else "not positive"
        message = f"all {len(interactions):,} events are {kind}: what is liked can't be told from what is not"
        raise InvalidInput("interactions.csv", message, reason="ONE_CLASS")
    return tuple(_consequences(catalogue, interactions))


def _consequences(catalogue: Catalogue, interactions: Interactions) -> Iterable[str]:
    if not catalogue.image.present().any():
        yield "No item has a picture: nothing is learned from pictures."
    if not catalogue.text.present().any():
        yield "No item has a text vector: nothing is learned from texts."
    if len({time for history in interactions.histories for time in np.unique(history.times_ms).tolist()}) == 1:
        yield "All timestamps are equal: order is that of item ids and means nothing; splits in time are arbitrary."


def _good(entries: Iterable[Value | BadLine], complaints: list[BadLine]) -> Iterable[Value]:
    for entry in entries:
        if isinstance(entry, BadLine):
            complaints.append(entry)
        else:
            yield entry


def _without_media(item: Item) -> Item:
    """Pictures are known by their vectors; their bytes would fill the memory."""
    return Item(item.item_id, item.title, item.description, item.tags, attributes=item.attributes, time_ms=item.time_ms)


def _attributes(item: Item) -> Mapping[str, Sequence[str]]:
    return {**item.attributes, **({TAGS: tag_values(item.tags)} if item.tags else {})}
