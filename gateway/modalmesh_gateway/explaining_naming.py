"""The words and regions that decided: first as the encoders' parts say, then the chief ones for real.

Knows no grpc and no protobuf.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from modalmesh.types import Lack, RegionShare, WordShare
from modalmesh_gateway.explaining_checks import checks
from modalmesh_gateway.explaining_falls import Falls, falls
from modalmesh_gateway.explaining_hidden import hidden
from modalmesh_gateway.explaining_parts import Parts
from modalmesh_gateway.explaining_removals import Removals
from modalmesh_gateway.ports import FuseInput, Ranker, RankInput
from modalmesh_services.common.deadline import Deadline


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be named beside signals and history; regions of these picture files."""

    words: bool = False
    regions: bool = False
    pictures: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """An item's words and regions, and how far its logit falls without each."""

    words: Removals[WordShare]
    regions: Removals[RegionShare]
    word_falls: Falls
    region_falls: Falls


class Naming:
    """Asks the encoders for parts and the ranker for scores, and waits at most `part_seconds` for each. What an encoder
    can't give is said in `lacked`.
    """

    def __init__(self, ranker: Ranker, parts: Parts, *, part_seconds: float) -> None:
        self._ranker = ranker
        self._parts = parts
        self._part_seconds = part_seconds

    async def name(
        self, ranking: RankInput, items: Sequence[FuseInput], wanted: Wanted, lacked: list[Lack], deadline: Deadline
    ) -> list[Named]:
        """Of each item, in order; they are the first candidates of `ranking`.

        Raises:
            Unavailable, Overloaded, ModelMismatch: as `falls`.
        """
        limited = self._limited(deadline)
        words, regions = await asyncio.gather(
            self._words(items, wanted, lacked, limited), self._regions(items, wanted, lacked, limited)
        )
        found = await self._falls(ranking, [own.without for own in words], [own.without for own in regions], deadline)
        named = [Named(*each) for each in zip(words, regions, *found, strict=True)]
        await self._check(ranking, items, named, wanted, lacked, deadline)
        return named

    async def _check(
        self,
        ranking: RankInput,
        items: Sequence[FuseInput],
        named: Sequence[Named],
        wanted: Wanted,
        lacked: list[Lack],
        deadline: Deadline,
    ) -> None:
        """Put what is so for real in the place of what the parts said, of the chief words and of all regions."""
        checked = [checks(item, own.words.shares, own.word_falls) for item, own in zip(items, named, strict=True)]
        painted = hidden([own.regions.shares for own in named], wanted.pictures)
        limited = self._limited(deadline)
        words, regions = await asyncio.gather(
            self._parts.without_words(items, checked, lacked, limited),
            self._parts.without_hidden(items, wanted.pictures, painted, lacked, limited),
        )
        word_falls, region_falls = await self._falls(ranking, words, regions, deadline)
        for own, asked, fallen in zip(named, checked, word_falls, strict=True):
            for check, fall in zip(asked, fallen.tolist(), strict=False):
                own.word_falls[check.place] = fall
        for own, fallen in zip(named, region_falls, strict=True):
            own.region_falls[: len(fallen)] = fallen

    async def _falls(
        self,
        ranking: RankInput,
        words: Sequence[Sequence[FuseInput]],
        regions: Sequence[Sequence[FuseInput]],
        deadline: Deadline,
    ) -> tuple[list[Falls], list[Falls]]:
        """Of words and of regions, each an array an item, by one call of Rank."""
        without = [[*ours, *theirs] for ours, theirs in zip(words, regions, strict=True)]
        found = await falls(self._ranker, ranking, without, self._limited(deadline))
        return (
            [each[: len(ours)] for each, ours in zip(found, words, strict=True)],
            [each[len(ours) :] for each, ours in zip(found, words, strict=True)],
        )

    def _limited(self, deadline: Deadline) -> Deadline:
        """How long to wait for one service: it may be slow, the answer may not."""
        return Deadline.after(min(self._part_seconds, deadline.remaining))

    async def _words(
        self, items: Sequence[FuseInput], wanted: Wanted, lacked: list[Lack], deadline: Deadline
    ) -> list[Removals[WordShare]]:
        if not wanted.words:
            return [Removals() for _ in items]
        return await self._parts.words(items, lacked, deadline)

    async def _regions(
        self, items: Sequence[FuseInput], wanted: Wanted, lacked: list[Lack], deadline: Deadline
    ) -> list[Removals[RegionShare]]:
        if not wanted.regions:
            return [Removals() for _ in items]
        return await self._parts.regions(items, wanted.pictures, lacked, deadline)
