"""What is asked of the ranker, and how its answer reads."""

import numpy as np
import pytest

from modalmesh.embeddings import Embeddings, ModelId
from modalmesh.errors import ModelMismatch
from modalmesh.types import Item
from modalmesh_gateway.explaining.falls import falls
from modalmesh_gateway.ports import CandidateEntry, FuseInput, RankInput
from modalmesh_services.common.deadline import Deadline
from tests.unit.gateway.numbered import MODEL, NumberedRanker

NOW = Deadline.after(5.0)


def ranking(*numbers: float) -> RankInput:
    """Candidates a, b, c, ... that score these numbers."""
    vectors = Embeddings(np.array(numbers, np.float32)[:, None], MODEL)
    entries = [CandidateEntry("abc"[row], row, 7, 3) for row in range(len(numbers))]
    return RankInput(vectors, (), entries, 0)


def inputs(item_id: str, *numbers: float) -> list[FuseInput]:
    return [FuseInput(Item(item_id, str(number)), None, None) for number in numbers]


async def test_a_fall_is_the_difference_of_the_logits() -> None:
    first, second = await falls(
        NumberedRanker(), ranking(2.0, -1.0, 0.0), [inputs("a", 1.5, 3.0), inputs("b", -1.0)], NOW
    )
    np.testing.assert_allclose(first, [0.5, -1.0], atol=1e-5)
    np.testing.assert_allclose(second, [0.0], atol=1e-5)


async def test_variations_stand_behind_the_candidates_as_what_they_vary() -> None:
    ranker = NumberedRanker()
    await falls(ranker, ranking(2.0, -1.0, 0.0), [inputs("a", 1.5), inputs("b", -2.0)], NOW)
    (asked,) = ranker.ranked
    assert asked.candidates[:3] == ranking(2.0, -1.0, 0.0).candidates
    assert asked.candidates[3:] == [CandidateEntry("a", 3, 7, 3, True), CandidateEntry("b", 4, 7, 3, True)]


async def test_where_there_is_nothing_to_leave_out_nobody_is_asked() -> None:
    ranker = NumberedRanker()
    assert [len(each) for each in await falls(ranker, ranking(2.0), [[]], NOW)] == [0]
    assert not ranker.ranked


async def test_a_certain_score_has_a_finite_fall() -> None:
    (only,) = await falls(NumberedRanker(), ranking(90.0), [inputs("a", 0.0)], NOW)
    assert only == pytest.approx([16.1], abs=0.1)


async def test_vectors_of_a_ranker_that_was_replaced_are_not_ranked() -> None:
    ranker = NumberedRanker(ModelId("fake", "two"))
    with pytest.raises(ModelMismatch):
        await falls(ranker, ranking(2.0), [inputs("a", 1.0)], NOW)
    assert not ranker.ranked
