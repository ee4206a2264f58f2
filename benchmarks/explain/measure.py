"""The run: case after case is explained, judged, and some of them timed."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np

from benchmarks.benchmark import Tell
from benchmarks.explain.attention import Attention
from benchmarks.explain.cases import cases
from benchmarks.explain.faithfulness import Judge
from benchmarks.explain.report import ExplainReport
from benchmarks.explain.scoring import Case, Scorer
from benchmarks.explain.timing import Clock
from benchmarks.machine import machine
from modalmesh import AsyncClient
from modalmesh.data_folder import BadLine, DataFolder
from modalmesh.positive import PositiveRule
from modalmesh.types import Item, Status
from modalmesh_gateway.services import GrpcImageEncoder, GrpcRanker, GrpcTextEncoder, close_all, open_channel
from modalmesh_services.common.deadline import Deadline
from modalmesh_services.text_encoder.folder import PACKAGED, find_folder

_MESSAGE_BYTES = 64 * 1024 * 1024
_SECONDS = 10.0
_TOLD_EVERY = 100


@dataclass(frozen=True, slots=True)
class _Services:
    """A mesh's own services, asked without its gateway."""

    text: GrpcTextEncoder
    image: GrpcImageEncoder
    ranker: GrpcRanker


async def measure(
    address: str, folder: DataFolder, name: str, count: int, curves: int, timed: int, tell: Tell
) -> ExplainReport:
    """Explain `count` cases of the folder that the mesh at `address` has, the first ones with `curves`, and time some.

    Raises:
        NotComparable: nobody has a history to explain by.
    """
    where, chance = machine(), np.random.default_rng(0)
    items = {item.item_id: item for item in folder.items() if not isinstance(item, BadLine)}
    counts, users = _events(folder)
    async with AsyncClient(address) as client, _services(await client.status()) as services:
        attention = _attention(await client.status()) if curves else None
        scorer = Scorer(services.ranker, items, counts)
        await scorer.load([each async for each in client.get_embeddings()])
        judge = Judge(scorer, services.text, services.image, attention, chance)
        clock = Clock(client, services.text, services.image)
        explained = 0
        chosen = await cases(client, users, count, chance)
        for number, case in enumerate(chosen, start=1):
            item = items[case.item_id]
            explained += await _explain(client, case, item, judge, curves=number <= curves)
            if number <= timed:
                await clock.time(case, item, _pictures(item))
            if number % _TOLD_EVERY == 0:
                tell(f"{number:,} of {count:,} cases")
        ranker = (await services.ranker.model(Deadline.after(_SECONDS))).name
    outcomes = {"history": judge.history, "words": judge.words, "regions": judge.regions}
    return ExplainReport(where, name, ranker, count, count - explained, outcomes, clock.timings)


async def _explain(client: AsyncClient, case: Case, item: Item, judge: Judge, *, curves: bool) -> bool:
    """Whether it was explained: an explanation that lacks something isn't judged."""
    pictures = _pictures(item)
    answer = await client.explain(case.user_id, [case.item_id], words=True, regions=bool(pictures), pictures=pictures)
    if answer.served.lacked:
        return False
    await judge.judge(case, answer.explanations[0], pictures[0] if pictures else b"", curves=curves)
    return True


def _pictures(item: Item) -> list[bytes]:
    """The first one, if any: of the others, and of frames, nothing is asked."""
    first = next(iter(item.pictures), None)
    return [first.content] if first and first.kind == "picture" else []


def _events(folder: DataFolder) -> tuple[Mapping[str, int], list[str]]:
    """How many events speak for each item, and all users in order."""
    positive, counts, users = PositiveRule(), Counter[str](), set[str]()
    for event in folder.events():
        if not isinstance(event, BadLine):
            users.add(event.user_id)
            counts[event.item_id] += positive(event)
    return counts, sorted(users)


@asynccontextmanager
async def _services(status: Status) -> AsyncIterator[_Services]:
    addresses = {service.name: service.address for service in status.services}
    names = ("text-encoder", "image-encoder", "fusion-ranker")
    channels = [open_channel(addresses[name], _MESSAGE_BYTES) for name in names]
    text, image, ranker = channels
    try:
        yield _Services(
            GrpcTextEncoder(addresses["text-encoder"], text),
            GrpcImageEncoder(addresses["image-encoder"], image),
            GrpcRanker(addresses["fusion-ranker"], ranker),
        )
    finally:
        await close_all(channels)


def _attention(status: Status) -> Attention | None:
    """Of the packaged text encoder; another one's weights aren't known here."""
    packaged = find_folder(PACKAGED)
    served = {service.name: service.model for service in status.services}["text-encoder"]
    return Attention(packaged.path) if served and served.name == packaged.name else None
