"""What the fusion-ranker does: check, then run the model away from the event loop. Knows no grpc and no protobuf."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from modalmesh.embeddings import Embeddings, ModelId
from modalmesh.errors import Overloaded
from modalmesh.types import Explanation, ModelInfo, ModelLimits
from modalmesh_services.common.deadline import Deadline
from modalmesh_services.fusion_ranker.models.interface import (
    ModelDescription,
    Probabilities,
    ProposedItem,
    RankerModel,
)
from modalmesh_services.fusion_ranker.requests import (
    Candidates,
    ExplainRequest,
    FuseRequest,
    History,
    ProposeRequest,
    RankRequest,
    UserRequest,
)
from modalmesh_services.fusion_ranker.validation import (
    RankerLimits,
    check_explain,
    check_fuse,
    check_propose,
    check_rank,
    check_user,
)

Answer = TypeVar("Answer")

_RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class RankerInfo:
    """A model and the encoders that it was made for; empty: it takes any."""

    model: ModelInfo
    text_fingerprint: str
    image_fingerprint: str


@dataclass(frozen=True, slots=True)
class EncodedUser:
    """`queries` (Q, D) of the ranker's revision; `weights` (Q,) adding up to 1."""

    queries: Embeddings
    weights: npt.NDArray[np.float32]


class RankerCore:
    """One model, one thread: calls wait in order, as far as `queue_bytes` of their vectors go."""

    def __init__(self, model: RankerModel, limits: RankerLimits, queue_bytes: int) -> None:
        self._model = model
        self._limits = limits
        self._queue_bytes = queue_bytes
        self._admitted_bytes = 0
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ranker")

    @property
    def description(self) -> ModelDescription:
        return self._model.description

    def info(self) -> RankerInfo:
        description = self.description
        limits = ModelLimits(
            batch_inputs=self._limits.fuse_items,
            candidates=self._limits.candidates,
            history_events=self._limits.history_events,
        )
        model = ModelInfo(description.name, description.revision, description.build, description.fused_dim, limits)
        return RankerInfo(model, description.text_fingerprint, description.image_fingerprint)

    async def start(self) -> None:
        """Rank once, so that the first caller doesn't pay for what is loaded only then."""
        description = self.description
        vectors = np.ones((2, description.fused_dim), dtype=np.float32)
        rows, times = np.arange(2), np.zeros(2, dtype=np.int64)
        history = History(["a", "b"], rows, times, ["", ""], np.full(2, np.nan), np.ones(2, dtype=np.bool_))
        candidates = Candidates(["a", "c"], rows, np.full(2, np.nan), times)
        request = RankRequest(Embeddings(vectors, self._model_id), history, candidates, 0)
        await self.rank(request, Deadline.after(None))

    async def stop(self) -> None:
        """Finish what was taken on."""
        await asyncio.to_thread(self._worker.shutdown)

    async def fuse(self, request: FuseRequest, deadline: Deadline) -> Embeddings:
        """One vector an item, of this revision. An item without text and picture, such as one that waits for both
        encoders, gets zeros: it is ranked by its popularity, and no retrieval finds it.

        Raises:
            InvalidInput, TooLarge, ModelMismatch: see validation.
            Overloaded, DeadlineExceeded: the same for all that follow.
        """
        check_fuse(request, self.description, self._limits)
        size = request.text.values.nbytes + request.image.values.nbytes
        values = await self._run(lambda: self._model.fuse(request), size, deadline)
        return Embeddings(values, self._model_id)

    async def encode_user(self, request: UserRequest, deadline: Deadline) -> EncodedUser:
        """Query vectors for retrieval, with their weights."""
        check_user(request, self.description, self._limits)
        size = request.vectors.values.nbytes
        queries = await self._run(lambda: self._model.encode_user(request), size, deadline)
        return EncodedUser(Embeddings(queries.vectors, self._model_id), queries.weights)

    async def propose(self, request: ProposeRequest, deadline: Deadline) -> Sequence[ProposedItem]:
        """At most `limit` items that the model knows by id."""
        check_propose(request, self._limits)
        return await self._run(lambda: self._model.propose(request), 0, deadline)

    async def rank(self, request: RankRequest, deadline: Deadline) -> Probabilities:
        """One probability a candidate, in order."""
        check_rank(request, self.description, self._limits)
        return await self._run(lambda: self._model.rank(request), request.vectors.values.nbytes, deadline)

    async def explain(self, request: ExplainRequest, deadline: Deadline) -> Sequence[Explanation]:
        """Why these candidates got their probabilities."""
        check_explain(request, self.description, self._limits)
        size = request.ranking.vectors.values.nbytes
        return await self._run(lambda: self._model.explain(request), size, deadline)

    @property
    def _model_id(self) -> ModelId:
        return ModelId(self.description.name, self.description.revision)

    async def _run(self, work: Callable[[], Answer], size: int, deadline: Deadline) -> Answer:
        """Run `work`, whose vectors take `size` bytes, in the worker. What waits is dropped when its caller leaves."""
        deadline.check()
        # A lone call always goes in: limits on candidates and rows bound it already.
        if self._admitted_bytes and self._admitted_bytes + size > self._queue_bytes:
            raise Overloaded("the ranker's queue is full", retry_after=_RETRY_SECONDS)

        def timely() -> Answer:
            deadline.check()
            return work()

        self._admitted_bytes += size
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, timely)
        finally:
            self._admitted_bytes -= size
