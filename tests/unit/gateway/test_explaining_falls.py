"""What is asked of the ranker, and how its answer reads."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from modalmesh.embeddings import Embeddings, ModelId
from modalmesh.errors import ModelMismatch
from modalmesh.types import Explanation, Item, ModelInfo
from modalmesh_gateway.explaining_falls import falls
from modalmesh_gateway.ports import CandidateEntry, FuseInput, RankInput, UserQueries
from modalmesh_services.common.deadline import Deadline

MODEL = ModelId("fake", "one")
NOW = Deadline.after(5.0)


class FakeRanker:
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


def ranking(*numbers: float) -> RankInput:
    """Candidates a, b, c, ... that score these numbers."""
    vectors = Embeddings(np.array(numbers, np.float32)[:, None], MODEL)
    entries = [CandidateEntry("abc"[row], row, 7, 3) for row in range(len(numbers))]
    return RankInput(vectors, (), entries, 0)


def inputs(item_id: str, *numbers: float) -> list[FuseInput]:
    return [FuseInput(Item(item_id, str(number)), None, None) for number in numbers]


async def test_a_fall_is_the_difference_of_the_logits() -> None:
    first, second = await falls(FakeRanker(), ranking(2.0, -1.0, 0.0), [inputs("a", 1.5, 3.0), inputs("b", -1.0)], NOW)
    np.testing.assert_allclose(first, [0.5, -1.0], atol=1e-5)
    np.testing.assert_allclose(second, [0.0], atol=1e-5)


async def test_variations_stand_behind_the_candidates_as_what_they_vary() -> None:
    ranker = FakeRanker()
    await falls(ranker, ranking(2.0, -1.0, 0.0), [inputs("a", 1.5), inputs("b", -2.0)], NOW)
    (asked,) = ranker.ranked
    assert asked.candidates[:3] == ranking(2.0, -1.0, 0.0).candidates
    assert asked.candidates[3:] == [CandidateEntry("a", 3, 7, 3, True), CandidateEntry("b", 4, 7, 3, True)]


async def test_where_there_is_nothing_to_leave_out_nobody_is_asked() -> None:
    ranker = FakeRanker()
    assert [len(each) for each in await falls(ranker, ranking(2.0), [[]], NOW)] == [0]
    assert not ranker.ranked


async def test_a_certain_score_has_a_finite_fall() -> None:
    (only,) = await falls(FakeRanker(), ranking(90.0), [inputs("a", 0.0)], NOW)
    assert only == pytest.approx([16.1], abs=0.1)


async def test_vectors_of_a_ranker_that_was_replaced_are_not_ranked() -> None:
    ranker = FakeRanker(ModelId("fake", "two"))
    with pytest.raises(ModelMismatch):
        await falls(ranker, ranking(2.0), [inputs("a", 1.0)], NOW)
    assert not ranker.ranked
