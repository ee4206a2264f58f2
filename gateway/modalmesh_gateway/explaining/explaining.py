"""Explain: why items get their scores, down to words and regions on request. Knows no grpc and no protobuf."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from modalmesh.errors import InvalidInput, NotFound, TooLarge
from modalmesh.types import Explanation, Explanations, Lack, RegionShare, Served, WordShare
from modalmesh_gateway.explaining.falls import Falls
from modalmesh_gateway.explaining.naming import Named, Naming, Wanted
from modalmesh_gateway.explaining.parts import check_shown
from modalmesh_gateway.explaining.removals import Removals
from modalmesh_gateway.explaining.sentences import with_sentence
from modalmesh_gateway.ingest import current_basis
from modalmesh_gateway.parts import PartMonitor, lack_of
from modalmesh_gateway.ports import FuseInput, Ranker, RankInput
from modalmesh_gateway.retrieval import RANKER_FAILURES, Retrieval
from modalmesh_gateway.store import Store
from modalmesh_gateway.views import NamespaceView
from modalmesh_services.common.deadline import Deadline

Share = TypeVar("Share", WordShare, RegionShare)

_MOST_ITEMS = 100
# Each is ranked again without every word and region.
_MOST_ITEMS_WITH_PARTS = 8
_MOST_PICTURES = 32


def most_explained(wanted: Wanted) -> int:
    """How many items may be explained at once."""
    return _MOST_ITEMS_WITH_PARTS if wanted.words or wanted.regions else _MOST_ITEMS


def check_pictures(wanted: Wanted) -> None:
    """Raises InvalidInput or TooLarge for pictures that nothing can be named of."""
    if wanted.pictures and not wanted.regions:
        raise InvalidInput("pictures", "are given, but no regions are asked for", reason="NOT_ASKED_FOR")
    if len(wanted.pictures) > _MOST_PICTURES:
        raise TooLarge("pictures", f"has {len(wanted.pictures)} entries, at most {_MOST_PICTURES} are taken")
    for position, content in enumerate(wanted.pictures):
        if not content:
            raise InvalidInput(f"pictures[{position}]", "is empty", reason="EMPTY")


class Explaining:
    """Signals and history come from the ranker's model, words and regions from ranking the item without them."""

    def __init__(
        self, store: Store, retrieval: Retrieval, ranker: Ranker, naming: Naming, monitor: PartMonitor
    ) -> None:
        self._store = store
        self._retrieval = retrieval
        self._ranker = ranker
        self._naming = naming
        self._monitor = monitor

    async def explain(
        self, view: NamespaceView, user_id: str, item_ids: Sequence[str], wanted: Wanted, deadline: Deadline
    ) -> Explanations:
        """Why these items got their scores, beside the candidates that Recommend would rank.

        Raises:
            NotFound: an item isn't in the catalogue.
            InvalidInput: a picture is of none of the items.
            Unavailable: the store or the ranker can't be reached.
        """
        history = await self._store.histories.history(view.name, user_id)
        # A candidate's own event must not explain it.
        events = [event for event in history.events if event.item_id not in item_ids]
        index = view.index
        found = await self._retrieval.candidates(index, events, history.seen, deadline)
        for item_id in item_ids:
            if item_id not in index:
                raise NotFound(f"item_ids: there is no item {item_id!r} in {view.name!r}", reason="UNKNOWN_ITEM")
        table = self._retrieval.fused_table(index)
        candidates = dict.fromkeys([*item_ids, *found.scores])
        request = self._retrieval.rank_input(index, table, events, candidates)
        limited = self._retrieval.part_deadline(deadline)
        lacked = view.lacked() + found.lacked
        naming = asyncio.create_task(self._name(view, request, item_ids, wanted, lacked, deadline))
        try:
            explanations = await self._ranker.explain(request, range(len(item_ids)), limited)
            named = await naming
        finally:
            naming.cancel()
        revision = table.model.name if table else ""
        return Explanations(
            [with_sentence(index, _with_parts(each, own)) for each, own in zip(explanations, named, strict=True)],
            Served("rank", tuple(dict.fromkeys(lacked)), revision, view.age_ms),
        )

    async def _name(
        self,
        view: NamespaceView,
        request: RankInput,
        item_ids: Sequence[str],
        wanted: Wanted,
        lacked: list[Lack],
        deadline: Deadline,
    ) -> Sequence[Named | None]:
        """What is wanted of each item; None where it can't be had, which `lacked` then says."""
        nothing = [None] * len(item_ids)
        if not wanted.words and not wanted.regions:
            return nothing
        items = await self._inputs(view, item_ids)
        if not items:
            asked = {"words": wanted.words, "regions": wanted.regions}
            lacked += [Lack(name, "MODEL_CHANGING") for name in asked if asked[name]]
            return nothing
        check_shown(items, wanted.pictures)
        try:
            return await self._naming.name(request, items, wanted, lacked, deadline)
        except RANKER_FAILURES as error:
            lacked.append(lack_of(self._ranker.name, error))
            return nothing

    async def _inputs(self, view: NamespaceView, item_ids: Sequence[str]) -> list[FuseInput]:
        """The items with the vectors that their fused ones are made of; none while these are of another model."""
        basis = current_basis(view, self._monitor)
        table = self._retrieval.fused_table(view.index)
        records = await self._store.catalogue.get(view.name, item_ids)
        if table is None or table.model.fingerprint != basis.model.fingerprint or len(records) < len(item_ids):
            return []
        return [basis.input_of(records[item_id]) for item_id in item_ids]


def _with_parts(explanation: Explanation, named: Named | None) -> Explanation:
    if named is None:
        return explanation
    return replace(
        explanation,
        words=_shares(named.words, named.word_falls, _share_of(explanation, "text")),
        regions=_shares(named.regions, named.region_falls, _share_of(explanation, "image")),
        words_fit=named.words.fit,
        regions_fit=named.regions.fit,
    )


def _share_of(explanation: Explanation, name: str) -> float:
    """The share of a modality's signal; 1 where the model has no such signal."""
    return next((signal.share for signal in explanation.signals if signal.signal == name), 1.0)


def _shares(removals: Removals[Share], fallen: Falls, share: float) -> tuple[Share, ...]:
    """The shares add up to `share`, or are all 0 where nothing changed the score."""
    sizes = np.abs(fallen)
    total = sizes.sum()
    shares = share * sizes / total if total else sizes
    return tuple(
        replace(each, contribution=fall, share=part)
        for each, fall, part in zip(removals.shares, fallen.tolist(), shares.tolist(), strict=True)
    )
