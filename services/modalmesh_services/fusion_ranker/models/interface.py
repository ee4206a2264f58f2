"""What every ranking model can do: the zero-shot one and trained bundles alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from modalmesh.embeddings import FloatMatrix
from modalmesh.types import Explanation
from modalmesh_services.fusion_ranker.requests import (
    ExplainRequest,
    FuseRequest,
    ProposeRequest,
    RankRequest,
    UserRequest,
)

Probabilities: TypeAlias = npt.NDArray[np.float64]
"""(C,) float64 in [0, 1]."""


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What a model is and what it takes.

    The revision names the space of its fused vectors and its scores: whatever changes either changes it. An empty
    encoder fingerprint takes vectors of any encoder of the right dim. A space then has the encoders' fingerprints
    beside the revision, which only the holder of the vectors can know: it keeps those of different encoders apart.
    """

    name: str
    revision: str
    build: str
    text_dim: int
    image_dim: int
    fused_dim: int
    text_fingerprint: str = ""
    image_fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class UserQueries:
    """`vectors` (Q, D) float32 in the fused space, to be compared by dot product; `weights` (Q,) adding up to 1."""

    vectors: FloatMatrix
    weights: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ProposedItem:
    item_id: str
    score: float


class RankerModel(Protocol):
    """A model that is loaded. Its caller checks requests first, and is in here with one thread at a time."""

    @property
    def description(self) -> ModelDescription: ...

    def fuse(self, request: FuseRequest) -> FloatMatrix:
        """(N, D) float32: one vector an item, in order, whatever it lacks."""
        ...

    def encode_user(self, request: UserRequest) -> UserQueries:
        """Where to look for candidates; no rows where the history says nothing."""
        ...

    def propose(self, request: ProposeRequest) -> Sequence[ProposedItem]:
        """Items that the model learned by id, the best first; none where it learned none."""
        ...

    def rank(self, request: RankRequest) -> Probabilities:
        """One probability a candidate, in order. The candidates' order doesn't matter to it."""
        ...

    def explain(self, request: ExplainRequest) -> Sequence[Explanation]:
        """Why the candidates at these places got their probabilities, one Explanation each, in order."""
        ...
