"""What of the parts' word is replaced by what is so for real, and what stays."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from modalmesh.embeddings import Embeddings
from modalmesh.types import Item, Lack, RegionShare, WordShare
from modalmesh_gateway.explaining.checks import Check
from modalmesh_gateway.explaining.hidden import Hiding
from modalmesh_gateway.explaining.naming import Naming, Wanted
from modalmesh_gateway.explaining.parts import Parts
from modalmesh_gateway.explaining.removals import Removals
from modalmesh_gateway.ports import CandidateEntry, FuseInput, RankInput
from modalmesh_services.common.deadline import Deadline
from tests.unit.gateway.numbered import MODEL, NumberedRanker

NOW = Deadline.after(5.0)
WHOLE = 3.0


def scoring(number: float) -> FuseInput:
    """An item whose logit is this number."""
    return FuseInput(Item("mug", str(number), "one two three"), None, None)


class FakeParts(Parts):
    """By the parts, the score falls by 1 without a word or region; `really` are the falls of what is taken away.
    Regions are side by side, `together` of them in a picture.
    """

    def __init__(self, words: int, regions: int, really: Sequence[float], together: int = 1) -> None:
        self._count = (words, regions)
        self._together = together
        self._really = [scoring(WHOLE - fall) for fall in really]

    async def words(
        self, items: Sequence[FuseInput], lacked: list[Lack], deadline: Deadline
    ) -> list[Removals[WordShare]]:
        found = [WordShare("description", 4 * place, 4 * place + 3, "", 0.0, 0.0) for place in range(self._count[0])]
        return [Removals(found, [scoring(WHOLE - 1)] * len(found), 1.0)]

    async def regions(
        self, items: Sequence[FuseInput], pictures: Sequence[bytes], lacked: list[Lack], deadline: Deadline
    ) -> list[Removals[RegionShare]]:
        found = [
            RegionShare(place // self._together, place / 4, 0.0, (place + 1) / 4, 1.0, 0.0, 0.0)
            for place in range(self._count[1])
        ]
        return [Removals(found, [scoring(WHOLE - 1)] * len(found), 1.0)]

    async def without_words(
        self, items: Sequence[FuseInput], wanted: Sequence[Sequence[Check]], lacked: list[Lack], deadline: Deadline
    ) -> list[list[FuseInput]]:
        return [self._really[: len(own)] for own in wanted]

    async def without_hidden(
        self,
        items: Sequence[FuseInput],
        pictures: Sequence[bytes],
        wanted: Sequence[Hiding],
        lacked: list[Lack],
        deadline: Deadline,
    ) -> list[list[FuseInput]]:
        return [self._really[: len(own.covers)] for own in wanted]


async def falls_of(
    ranker: NumberedRanker, parts: Parts, wanted: Wanted
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    ranking = RankInput(
        Embeddings(np.array([[WHOLE]], np.float32), MODEL), (), [CandidateEntry("mug", 0, None, 0)], time_ms=0
    )
    (named,) = await Naming(ranker, parts, part_seconds=5.0).name(ranking, [scoring(WHOLE)], wanted, [], NOW)
    return named.word_falls, named.region_falls


PICTURES = [b"front", b"back"]
REGIONS = Wanted(regions=True, pictures=PICTURES)
TOO_LONG = bytes(17 * 1024 * 1024)


async def test_what_is_so_for_real_replaces_what_the_parts_say() -> None:
    words, regions = await falls_of(
        NumberedRanker(), FakeParts(2, 2, [0.5, -0.5]), Wanted(words=True, regions=True, pictures=PICTURES)
    )
    np.testing.assert_allclose(words, [0.5, -0.5], atol=1e-5)
    np.testing.assert_allclose(regions, [0.5, -0.5], atol=1e-5)


@pytest.mark.parametrize(
    ("really", "pictures", "falls"),
    [
        ([0.5, 0.25], [*PICTURES, TOO_LONG, TOO_LONG], [0.5, 0.25, 1.0, 1.0]),
        ([], [b"front", b"back", b"side", b"top"], [1.0] * 4),
    ],
)
async def test_what_is_not_painted_over_stays_as_the_grid_says(
    really: list[float], pictures: list[bytes], falls: list[float]
) -> None:
    wanted = Wanted(regions=True, pictures=pictures)
    _, regions = await falls_of(NumberedRanker(), FakeParts(0, 4, really), wanted)
    np.testing.assert_allclose(regions, falls, atol=1e-5)


async def test_regions_of_a_picture_share_what_it_counts_for_as_a_whole() -> None:
    _, (left, right) = await falls_of(NumberedRanker(), FakeParts(0, 2, [0.5, 0.25, 1.0], together=2), REGIONS)
    assert left > right > 0
    assert left + right == pytest.approx(1.0, abs=1e-5)


async def test_words_that_are_not_checked_stay_as_the_parts_say() -> None:
    words, _ = await falls_of(NumberedRanker(), FakeParts(3, 0, [0.5]), Wanted(words=True))
    np.testing.assert_allclose(words, [0.5, 1.0, 1.0], atol=1e-5)


async def test_regions_cost_one_call_of_rank() -> None:
    ranker = NumberedRanker()
    await falls_of(ranker, FakeParts(0, 4, [0.5] * 5, together=4), REGIONS)
    assert [len(request.candidates) for request in ranker.ranked] == [6]
