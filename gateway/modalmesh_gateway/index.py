"""One namespace's items in memory: what retrieval compares. Knows no grpc and no protobuf."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from modalmesh.embeddings import Embeddings, FloatMatrix, ModelId, normalise
from modalmesh.types import Item
from modalmesh_gateway.store import ItemRecord

Scores = npt.NDArray[np.float32]
_FIRST_CAPACITY = 1024


class VectorTable:
    """Vectors of one model, one a row of the index; a row may have none."""

    def __init__(self, model: ModelId, dim: int) -> None:
        self.model = model
        self.values: FloatMatrix = np.zeros((_FIRST_CAPACITY, dim), dtype=np.float32)
        self.present: npt.NDArray[np.bool_] = np.zeros(_FIRST_CAPACITY, dtype=bool)
        self.count = 0

    def put(self, row: int, vector: FloatMatrix) -> None:
        """Set row `row` to `vector` (D,)."""
        if row >= len(self.present):
            self._grow(row + 1)
        self.values[row] = vector
        self.count += not self.present[row]
        self.present[row] = True

    def drop(self, row: int) -> None:
        if row < len(self.present) and self.present[row]:
            self.present[row] = False
            self.values[row] = 0
            self.count -= 1

    def has(self, row: int) -> bool:
        return row < len(self.present) and bool(self.present[row])

    def scores(self, query: FloatMatrix, rows: int) -> Scores:
        """Dot products (rows,) of the first `rows` rows with `query` (D,); -inf where a row has no vector."""
        filled = min(rows, len(self.present))
        scores = np.full(rows, -np.inf, dtype=np.float32)
        scores[:filled] = np.where(self.present[:filled], self.values[:filled] @ query, -np.inf)
        return scores

    def _grow(self, rows: int) -> None:
        capacity = max(rows, 2 * len(self.present))
        values = np.zeros((capacity, self.values.shape[1]), dtype=np.float32)
        values[: len(self.values)] = self.values
        present = np.zeros(capacity, dtype=bool)
        present[: len(self.present)] = self.present
        self.values, self.present = values, present


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index knows of an item beside its vectors; `item` is without contents."""

    item: Item
    text_fingerprint: str
    image_fingerprint: str
    fused_fingerprint: str

    @property
    def is_pending(self) -> bool:
        """Whether it waits for an encoder or the ranker."""
        return bool(self.item.pending) or not self.fused_fingerprint


class Space:
    """The tables of one kind of vector (text, image or fused), one a fingerprint: versions never mix."""

    def __init__(self) -> None:
        self._tables: dict[str, VectorTable] = {}
        self.wanted = ""

    def put(self, row: int, embeddings: Embeddings | None) -> None:
        """Give a row the one vector of `embeddings` (1, D) in its model's table; None empties the row everywhere."""
        if embeddings is None:
            self.drop(row)
            return
        fingerprint = embeddings.model.fingerprint
        table = self._tables.get(fingerprint)
        if table is None:
            table = self._tables[fingerprint] = VectorTable(embeddings.model, embeddings.dim)
        table.put(row, embeddings.values[0])

    def drop(self, row: int) -> None:
        for table in self._tables.values():
            table.drop(row)

    @property
    def fullest_fingerprint(self) -> str:
        """The model that most rows have a vector of; empty without any."""
        fullest = max(self._tables.values(), key=lambda table: table.count, default=None)
        return fullest.model.fingerprint if fullest else ""

    def table(self, fingerprint: str) -> VectorTable | None:
        return self._tables.get(fingerprint)

    def serving(self) -> VectorTable | None:
        """The wanted model's table once it is as full as any other; until then the fullest."""
        fullest = max(self._tables.values(), key=lambda table: table.count, default=None)
        wanted = self._tables.get(self.wanted)
        if wanted is None or fullest is None:
            return fullest
        return wanted if wanted.count >= fullest.count else fullest

    def retire(self) -> bool:
        """Forget the tables that the wanted one has replaced; whether there were any."""
        serving = self.serving()
        if serving is None or serving.model.fingerprint != self.wanted or len(self._tables) == 1:
            return False
        self._tables = {self.wanted: serving}
        return True


class ItemIndex:
    """Items by row: vectors by space, positive event counts, times.

    A row is given to another item once its own is removed, so whoever pauses (awaits) keeps item ids, never rows.
    """

    def __init__(self) -> None:
        # Counts writes, so that whoever looked through all items knows whether to look again.
        self.changes = 0
        # Counted as they come and go: it is asked for more often than a million items can be looked through.
        self.pending = 0
        self.spaces: dict[str, Space] = {"text": Space(), "image": Space(), "fused": Space()}
        self._rows: dict[str, int] = {}
        self._entries: list[Entry | None] = []
        self._free: list[int] = []
        self._counts: dict[str, int] = {}
        self._popularity: Scores = np.full(_FIRST_CAPACITY, -np.inf, dtype=np.float32)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._rows

    @property
    def capacity(self) -> int:
        """Rows in use or free: the length of every score array."""
        return len(self._entries)

    def row(self, item_id: str) -> int | None:
        return self._rows.get(item_id)

    def get(self, item_id: str) -> Entry | None:
        row = self._rows.get(item_id)
        return self._entries[row] if row is not None else None

    def title(self, item_id: str) -> str:
        """Empty where the item has none, or isn't here."""
        entry = self.get(item_id)
        return entry.item.title if entry else ""

    def entries(self) -> Iterable[Entry]:
        return (entry for entry in self._entries if entry is not None)

    def upsert(self, record: ItemRecord) -> None:
        """Take a record as stored: what the store says last is right."""
        self.changes += 1
        item_id = record.item.item_id
        row = self._rows.get(item_id)
        if row is None:
            row = self._rows[item_id] = self._new_row()
            self._popularity[row] = self.event_count(item_id)
        self._set(
            row,
            Entry(
                record.item,
                record.text.embeddings.model.fingerprint if record.text else "",
                record.image.embeddings.model.fingerprint if record.image else "",
                record.fused.model.fingerprint if record.fused else "",
            ),
        )
        self.spaces["text"].put(row, pool(record.text.embeddings if record.text else None))
        self.spaces["image"].put(row, pool(record.image.embeddings if record.image else None))
        self.spaces["fused"].put(row, record.fused)
        for older in record.older_fused:
            self.spaces["fused"].put(row, older)

    def remove(self, item_id: str) -> None:
        row = self._rows.pop(item_id, None)
        if row is None:
            return
        self.changes += 1
        for space in self.spaces.values():
            space.drop(row)
        self._set(row, None)
        self._popularity[row] = -np.inf
        self._free.append(row)

    def set_counts(self, counts: Mapping[str, int]) -> None:
        """Positive events by item, of all time; items that aren't here yet keep theirs."""
        self._counts.update(counts)
        for item_id, count in counts.items():
            row = self._rows.get(item_id)
            if row is not None:
                self._popularity[row] = count

    def event_count(self, item_id: str) -> int:
        return self._counts.get(item_id, 0)

    def want(self, fingerprints: Mapping[str, str]) -> set[str]:
        """Say which model's vectors each space should serve; the spaces in which they have just replaced others."""
        replaced = set()
        for name, fingerprint in fingerprints.items():
            self.spaces[name].wanted = fingerprint
            if self.spaces[name].retire():
                replaced.add(name)
        return replaced

    def adopt_wanted(self, other: "ItemIndex") -> None:
        self.want({name: space.wanted for name, space in other.spaces.items()})

    def best(self, scores: Scores, k: int, excluded: Iterable[str] = ()) -> dict[str, float]:
        """The k best items of scores (capacity,), the best first, ties by id; rows at -inf never appear."""
        scores = scores.copy()
        scores[[self._rows[item_id] for item_id in excluded if item_id in self._rows]] = -np.inf
        candidates = np.flatnonzero(scores > -np.inf)
        if len(candidates) > k:
            threshold = np.partition(scores[candidates], len(candidates) - k)[len(candidates) - k]
            candidates = candidates[scores[candidates] >= threshold]
        found = {entry.item.item_id: float(scores[row]) for row in candidates if (entry := self._entries[row])}
        return dict(islice(best_first(found).items(), k))

    def popularity(self) -> Scores:
        """Positive event counts (capacity,); -inf for free rows."""
        return self._popularity[: self.capacity]

    def _set(self, row: int, entry: Entry | None) -> None:
        before = self._entries[row]
        self.pending += (entry is not None and entry.is_pending) - (before is not None and before.is_pending)
        self._entries[row] = entry

    def _new_row(self) -> int:
        if self._free:
            return self._free.pop()
        self._entries.append(None)
        if len(self._entries) > len(self._popularity):
            self._popularity = np.concatenate([self._popularity, np.full_like(self._popularity, -np.inf)])
        return len(self._entries) - 1


def best_first(scores: Mapping[str, float]) -> dict[str, float]:
    """Item ids by falling score, ties by id, so that the same request has the same answer on every gateway."""
    return dict(sorted(scores.items(), key=lambda pair: (-pair[1], pair[0])))


def pool(embeddings: Embeddings | None) -> Embeddings | None:
    """One vector of length 1 from an item's token vectors (T, D): their mean."""
    if embeddings is None or not embeddings.rows:
        return None
    mean = embeddings.values.mean(axis=0, keepdims=True, dtype=np.float32)
    return Embeddings(normalise(mean), embeddings.model)
