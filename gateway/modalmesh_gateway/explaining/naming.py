"""The words and regions that decided: first as the encoders' parts say, then the chief ones for real.

Knows no grpc and no protobuf.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modalmesh.types import Lack, RegionShare, WordShare
from modalmesh_gateway.explaining.checks import Check, checks
from modalmesh_gateway.explaining.covers import Cover, contributions
from modalmesh_gateway.explaining.falls import Falls, falls
from modalmesh_gateway.explaining.hidden import hidden
from modalmesh_gateway.explaining.parts import Parts
from modalmesh_gateway.explaining.removals import Removals
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


@dataclass(frozen=True, slots=True)
class _Words:
    """Of each item: its words, how far the score falls without each as the parts say, and what is checked for real
    with what is left without it.
    """

    words: list[Removals[WordShare]]
    falls: list[Falls]
    checked: list[list[Check]]
    left: list[list[FuseInput]]


@dataclass(frozen=True, slots=True)
class _Regions:
    """Of an item: its regions, the covers that were painted over for real, and it without each of those."""

    regions: Removals[RegionShare]
    covers: Sequence[Cover]
    painted: Sequence[FuseInput]

    @property
    def left(self) -> list[FuseInput]:
        """What is to be ranked: without each cover, and without each region that is in none, as the grid says."""
        return [*self.painted, *(self.regions.without[place] for place in self._uncovered)]

    def falls(self, fallen: Falls) -> Falls:
        """Of each region, from those of `left`."""
        found: Falls = np.zeros(len(self.regions.shares))
        found[self._uncovered] = fallen[len(self.covers) :]
        for place, contribution in contributions(self.covers, fallen[: len(self.covers)]).items():
            found[place] = contribution
        return found

    @property
    def _uncovered(self) -> list[int]:
        covered = {place for cover in self.covers for place in cover.places}
        return [place for place in range(len(self.regions.shares)) if place not in covered]


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
        """Of each item, in order; they are the first candidates of `ranking`. Words and regions are got ready at the
        same time, each from its own encoder, and what is left without them is ranked by one call.

        Raises:
            Unavailable, Overloaded, ModelMismatch: as `falls`.
        """
        words, regions = await asyncio.gather(
            self._words(ranking, items, wanted, lacked, deadline), self._regions(items, wanted, lacked, deadline)
        )
        without = [[*ours, *theirs.left] for ours, theirs in zip(words.left, regions, strict=True)]
        found = await falls(self._ranker, ranking, without, self._limited(deadline))
        named = []
        for place, fallen in enumerate(found):
            checked = len(words.left[place])
            places = [check.place for check in words.checked[place][:checked]]
            words.falls[place][places] = fallen[:checked]
            own = regions[place]
            named.append(Named(words.words[place], own.regions, words.falls[place], own.falls(fallen[checked:])))
        return named

    async def _words(
        self, ranking: RankInput, items: Sequence[FuseInput], wanted: Wanted, lacked: list[Lack], deadline: Deadline
    ) -> _Words:
        """The chief ones, as the parts say, are taken out for real."""
        words: list[Removals[WordShare]] = [Removals() for _ in items]
        if wanted.words:
            words = await self._parts.words(items, lacked, self._limited(deadline))
        fallen = await falls(self._ranker, ranking, [own.without for own in words], self._limited(deadline))
        checked = [checks(item, own.shares, fall) for item, own, fall in zip(items, words, fallen, strict=True)]
        left = await self._parts.without_words(items, checked, lacked, self._limited(deadline))
        return _Words(words, fallen, checked, left)

    async def _regions(
        self, items: Sequence[FuseInput], wanted: Wanted, lacked: list[Lack], deadline: Deadline
    ) -> list[_Regions]:
        """Of each item."""
        if not wanted.regions:
            return [_Regions(Removals(), (), ()) for _ in items]
        regions = await self._parts.regions(items, wanted.pictures, lacked, self._limited(deadline))
        asked = hidden([own.shares for own in regions], wanted.pictures)
        painted = await self._parts.without_hidden(items, wanted.pictures, asked, lacked, self._limited(deadline))
        return [
            _Regions(own, each.covers[: len(real)], real)
            for own, each, real in zip(regions, asked, painted, strict=True)
        ]

    def _limited(self, deadline: Deadline) -> Deadline:
        """How long to wait for one service: it may be slow, the answer may not."""
        return Deadline.after(min(self._part_seconds, deadline.remaining))
