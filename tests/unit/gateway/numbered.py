"""A ranker by whose word a score is the number that an item has for a title."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from modalmesh.embeddings import Embeddings, ModelId
from modalmesh.types import Explanation, ModelInfo
from modalmesh_gateway.ports import FuseInput, RankInput, UserQueries
from modalmesh_services.common.deadline import Deadline

MODEL = ModelId("fake", "one")


class NumberedRanker:
    """Fuses an item to the number in its title, and ranks by the sigmoid of that number."""

    name = "fusion-ranker"
    address = ""

    def __init__(self, model: ModelId = MODEL) -> None:
        self._model = model
        self.ranked: list[RankInput] = []

    async def fuse(self, inputs: Sequence[FuseInput], deadline: Deadline) -> Embeddings:
        return Embeddings(np.array([[float(each.item.title)] for each in inputs], np.float32), self._model)

    async def rank(self, request: RankInput, deadline: Deadline) -> npt.NDArray[np.float32]:
        self.ranked.append(request)
        rows = [candidate.row or 0 for candidate in request.candidates]
        return (1 / (1 + np.exp(-request.vectors.values[rows, 0]))).astype(np.float32)

    async def model(self, deadline: Deadline) -> ModelInfo:
        raise NotImplementedError

    async def encode_user(self, request: RankInput, deadline: Deadline) -> UserQueries:
        raise NotImplementedError

    async def propose(self, request: RankInput, limit: int, deadline: Deadline) -> Sequence[str]:
        raise NotImplementedError

    async def explain(self, request: RankInput, explain: Sequence[int], deadline: Deadline) -> Sequence[Explanation]:
        raise NotImplementedError
