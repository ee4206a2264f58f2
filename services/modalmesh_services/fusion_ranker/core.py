"""What the fusion-ranker does: check, then run the model away from the event loop. Knows no grpc and no protobuf."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modalmesh.embeddings import Embeddings, ModelId
from modalmesh.types import Explanation, ModelInfo, ModelLimits
from modalmesh_services.common.deadline import Deadline
from modalmesh_services.fusion_ranker.limits import RankerLimits
from modalmesh_services.fusion_ranker.models.interface import (
    ModelDescription,
    Probabilities,
    ProposedItem,
    RankerModel,
)
from modalmesh_services.fusion_ranker.probing import probe
from modalmesh_services.fusion_ranker.requests import (
    ExplainRequest,
    FuseRequest,
    ProposeRequest,
    RankRequest,
    UserRequest,
)
from modalmesh_services.fusion_ranker.validation import (
    check_explain,
    check_fuse,
    check_propose,
    check_rank,
    check_user,
)
from modalmesh_services.fusion_ranker.worker import Worker, WorkerMetrics

# Roughly what a call, and an event, a candidate or a token of it, takes beside its vectors: ids, numbers, bookkeeping.
_CALL_BYTES = 4096
_ENTRY_BYTES = 512


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
    """One model, one thread: calls wait in order, as far as `queue_bytes` of their requests go."""

    def __init__(self, model: RankerModel, limits: RankerLimits, queue_bytes: int) -> None:
        self._model = model
        self._limits = limits
        self._worker = Worker("ranker", queue_bytes)

    @property
    def metrics(self) -> WorkerMetrics:
        return self._worker.metrics

    @property
    def limits(self) -> RankerLimits:
        return self._limits

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
        request = probe(self.description)
        # Not by `rank`, whose limits may be below two.
        await self._worker.run(lambda: self._model.rank(request), _CALL_BYTES, Deadline.after(None))

    async def stop(self) -> None:
        """Finish what was taken on."""
        await self._worker.stop()

    async def fuse(self, request: FuseRequest, deadline: Deadline) -> Embeddings:
        """One vector an item, of this revision. An item without text and picture, such as one that waits for both
        encoders, gets zeros: it is ranked by its popularity, and no retrieval finds it.

        Raises:
            InvalidInput, TooLarge, ModelMismatch: see validation.
            Overloaded, DeadlineExceeded, Unavailable: see Worker; the same for all that follow.
        """
        check_fuse(request, self.description, self._limits)
        tokens = sum(1 + len(item.texts) + len(item.images) + len(item.attributes or ()) for item in request.items)
        size = _size(tokens, request.text, request.image)
        values = await self._worker.run(lambda: self._model.fuse(request), size, deadline)
        return Embeddings(values, self._model_id)

    async def encode_user(self, request: UserRequest, deadline: Deadline) -> EncodedUser:
        """Query vectors for retrieval, with their weights."""
        check_user(request, self.description, self._limits)
        size = _size(len(request.history.item_ids), request.vectors)
        queries = await self._worker.run(lambda: self._model.encode_user(request), size, deadline)
        return EncodedUser(Embeddings(queries.vectors, self._model_id), queries.weights)

    async def propose(self, request: ProposeRequest, deadline: Deadline) -> Sequence[ProposedItem]:
        """At most `limit` items that the model knows by id."""
        check_propose(request, self._limits)
        size = _size(len(request.history.item_ids))
        return await self._worker.run(lambda: self._model.propose(request), size, deadline)

    async def rank(self, request: RankRequest, deadline: Deadline) -> Probabilities:
        """One probability a candidate, in order."""
        check_rank(request, self.description, self._limits)
        return await self._worker.run(lambda: self._model.rank(request), _ranking_size(request), deadline)

    async def explain(self, request: ExplainRequest, deadline: Deadline) -> Sequence[Explanation]:
        """Why these candidates got their probabilities."""
        check_explain(request, self.description, self._limits)
        size = _ranking_size(request.ranking)
        return await self._worker.run(lambda: self._model.explain(request), size, deadline)

    @property
    def _model_id(self) -> ModelId:
        return ModelId(self.description.name, self.description.revision)


def _ranking_size(request: RankRequest) -> int:
    return _size(len(request.history.item_ids) + len(request.candidates.item_ids), request.vectors)


def _size(entries: int, *matrices: Embeddings) -> int:
    """What a request takes while it waits, in bytes."""
    return _CALL_BYTES + entries * _ENTRY_BYTES + sum(matrix.values.nbytes for matrix in matrices)
