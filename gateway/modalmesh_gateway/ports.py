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
class Place:
    """Where a part lies in its input: characters [start, end) of a text, a box of a picture in shares of its sides."""

    start: int = 0
    end: int = 0
    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0


@dataclass(frozen=True, slots=True)
class Visual:
    """A picture's or a video's bytes; boxes of a picture that are `hidden` are painted over before it is encoded."""

    content: bytes
    is_video: bool = False
    hidden: Sequence[Place] = ()


@dataclass(frozen=True, slots=True)
class Encoded:
    """One input's outcome: `values` (rows, dim), or None and the reason. `places` has one a row where parts were asked
    for.
    """

    values: FloatMatrix | None
    truncated: bool = False
    reason: str = ""
    places: Sequence[Place] = ()


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

    async def parts(self, inputs: Sequence[Input], deadline: Deadline) -> EncodedBatch:
        """The vectors before pooling, a row a token or patch."""
        ...


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
    """`variation`: a candidate before it as it would be with the vector of this row."""

    item_id: str
    row: int | None
    time_ms: int | None
    event_count: int
    variation: bool = False


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
    async def fuse(self, inputs: Sequence[FuseInput], deadline: Deadline) -> Embeddings:
        """One vector an input; an item may come several times, with other vectors."""
        ...

    async def encode_user(self, request: RankInput, deadline: Deadline) -> UserQueries: ...

    async def propose(self, request: RankInput, limit: int, deadline: Deadline) -> Sequence[str]: ...

    async def rank(self, request: RankInput, deadline: Deadline) -> npt.NDArray[np.float32]: ...

    async def explain(
        self, request: RankInput, explain: Sequence[int], deadline: Deadline
    ) -> Sequence[Explanation]: ...
