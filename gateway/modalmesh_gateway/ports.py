"""What the gateway needs of the other services, in its own words. Knows no grpc and no protobuf."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from modalmesh.embeddings import Embeddings, FloatMatrix, ModelId
from modalmesh.types import Explanation, Item, ModelInfo
from modalmesh_gateway.store import TokenVectors
from modalmesh_services.common.deadline import Deadline

Input = TypeVar("Input", contravariant=True)


@dataclass(frozen=True, slots=True)
class Visual:
    """A picture's or a video's bytes."""

    content: bytes
    is_video: bool = False


@dataclass(frozen=True, slots=True)
class Encoded:
    """One input's outcome: `values` (rows, dim), or None and the reason."""

    values: FloatMatrix | None
    truncated: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EncodedBatch:
    model: ModelId
    results: Sequence[Encoded]


class Part(Protocol):
    """Another service. A failure of it is Unavailable or Overloaded, with its name."""

    @property
    def name(self) -> str: ...

    @property
    def address(self) -> str: ...

    async def model(self, deadline: Deadline) -> ModelInfo: ...


class Encoder(Part, Protocol[Input]):
    async def encode(self, inputs: Sequence[Input], deadline: Deadline) -> EncodedBatch: ...


@dataclass(frozen=True, slots=True)
class FuseInput:
    item: Item
    text: TokenVectors | None
    image: TokenVectors | None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """`row` is the item's row in the request's vectors, None without a fused vector."""

    item_id: str
    row: int | None
    time_ms: int
    type: str
    value: float | None
    positive: bool


@dataclass(frozen=True, slots=True)
class CandidateEntry:
    item_id: str
    row: int | None
    time_ms: int | None
    event_count: int


@dataclass(frozen=True, slots=True)
class RankInput:
    """A user's history and the candidates; both point into `vectors` (N, D) of one ranker revision."""

    vectors: Embeddings
    history: Sequence[HistoryEntry]
    candidates: Sequence[CandidateEntry]
    time_ms: int


@dataclass(frozen=True, slots=True)
class UserQueries:
    """Query vectors (Q, D) in the fused space, and their weights (Q,), adding up to 1."""

    queries: Embeddings
    weights: npt.NDArray[np.float32]


class Ranker(Part, Protocol):
    async def fuse(self, inputs: Sequence[FuseInput], deadline: Deadline) -> Embeddings: ...

    async def encode_user(self, request: RankInput, deadline: Deadline) -> UserQueries: ...

    async def propose(self, request: RankInput, limit: int, deadline: Deadline) -> Sequence[str]: ...

    async def rank(self, request: RankInput, deadline: Deadline) -> npt.NDArray[np.float32]: ...

    async def explain(
        self, request: RankInput, explain: Sequence[int], deadline: Deadline
    ) -> Sequence[Explanation]: ...
