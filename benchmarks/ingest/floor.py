"""The floor: the best loop that we know how to write around the same two models, with nothing between it and them.

Tried and not faster: threads of one process, torch splitting each operation among the cores, batches of 8, 24 and 32
texts, of 4 and 16 pictures.
"""

import itertools
import os
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field

from benchmarks.environment import TUNED, environment
from benchmarks.ingest import worker
from benchmarks.ingest.results import FloorRun, Model
from benchmarks.ingest.worker import Visual
from benchmarks.machine import Meter, cpus
from benchmarks.workers import SPAWN, Workers
from modalmesh.data_folder import DataFolder
from modalmesh.embeddings import FloatMatrix
from modalmesh.types import Item
from modalmesh_services.text_encoder.tokens import Tokens

_TEXTS_A_BATCH = 16
_VISUALS_A_BATCH = 8
_TEXTS_TOKENISED_AT_ONCE = 512


class Floor(Workers):
    """A worker process a core, each with both models loaded and warm; starting them isn't measured."""

    def __init__(self) -> None:
        workers = cpus()
        super().__init__(ProcessPoolExecutor(workers, SPAWN, worker.load, (SPAWN.Barrier(workers),)))
        with environment(TUNED):
            ready = [future.result() for future in [self._pool.submit(worker.get_ready) for _ in range(workers)]]
        self._pids = {"reader": os.getpid(), **{f"worker {one.pid}": one.pid for one in ready}}
        self.text: Model = ready[0].text
        self.image: Model = ready[0].image

    def run(self, folder: DataFolder) -> FloorRun:
        """Read the folder's items, and encode each different text and picture once."""
        meter = Meter(self._pids)
        work = _Work(self._pool)
        items = sum(work.take(entry) for entry in folder.items() if isinstance(entry, Item))
        texts, images = work.finish()
        return FloorRun(meter.read(), items, texts, images)


@dataclass(slots=True)
class _Work:
    """Pictures go to the workers as they are read; texts when all are known, so that they can be sorted."""

    pool: ProcessPoolExecutor
    known: set[str | Visual] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)
    visuals: list[Visual] = field(default_factory=list)
    tokenised: list[Future[list[Tokens]]] = field(default_factory=list)
    encoded: list[Future[tuple[FloatMatrix, int]]] = field(default_factory=list)

    def take(self, item: Item) -> bool:
        """Whether there is anything of the item to encode."""
        texts = list(item.text_fields().values())
        visuals = [(each.content, False) for each in item.pictures] + [(each.content, True) for each in item.videos]
        for text in texts:
            if text not in self.known:
                self.known.add(text)
                self.texts.append(text)
        for visual in visuals:
            if visual not in self.known:
                self.known.add(visual)
                self.visuals.append(visual)
        if len(self.texts) >= _TEXTS_TOKENISED_AT_ONCE:
            self._tokenise()
        if len(self.visuals) >= _VISUALS_A_BATCH:
            self._encode_visuals()
        return bool(texts or visuals)

    def finish(self) -> tuple[int, int]:
        """Texts and images encoded. The longest texts go first, so that the workers end together."""
        self._tokenise()
        self._encode_visuals()
        tokens = itertools.chain.from_iterable(future.result() for future in self.tokenised)
        ordered = sorted(tokens, key=lambda text: len(text.ids), reverse=True)
        batches = [ordered[at : at + _TEXTS_A_BATCH] for at in range(0, len(ordered), _TEXTS_A_BATCH)]
        vectors = [future.result() for future in [self.pool.submit(worker.encode_texts, batch) for batch in batches]]
        return sum(len(rows) for rows in vectors), sum(future.result()[1] for future in self.encoded)

    def _tokenise(self) -> None:
        self.tokenised.append(self.pool.submit(worker.tokenise, self.texts))
        self.texts = []

    def _encode_visuals(self) -> None:
        if self.visuals:
            self.encoded.append(self.pool.submit(worker.encode_visuals, self.visuals))
        self.visuals = []
