"""How long Explain takes beside Rank and one encode of the same item, calls taking turns."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.explain.scoring import Case
from modalmesh import AsyncClient
from modalmesh.types import Item
from modalmesh_gateway.ports import Encoder, Visual
from modalmesh_services.common.deadline import Deadline

_SECONDS = 60.0
RANK, ENCODE, HISTORY, CONTENT = "rank", "encode", "explain_history", "explain_content"


@dataclass(slots=True)
class Timings:
    """Seconds of each call, by its name."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def p50(self, name: str) -> float:
        return median(self.seconds[name])

    @property
    def history_ratio(self) -> float:
        """Signals and history, over Rank of as many candidates."""
        return self.p50(HISTORY) / self.p50(RANK)

    @property
    def content_ratio(self) -> float:
        """Words and regions too, over Rank and an encode of the item's texts and picture, both encoders at once."""
        return self.p50(CONTENT) / (self.p50(RANK) + self.p50(ENCODE))


class Clock:
    """Times the calls for one case after another."""

    def __init__(self, client: AsyncClient, text: Encoder[str], image: Encoder[Visual]) -> None:
        self._client = client
        self._text = text
        self._image = image
        self.timings = Timings()

    async def time(self, case: Case, item: Item, pictures: Sequence[bytes]) -> None:
        """Each call once."""
        user, ids = case.user_id, [case.item_id]
        calls: Mapping[str, Callable[[], Awaitable[Any]]] = {
            RANK: lambda: self._client.rank(case.candidates, user),
            ENCODE: lambda: self._encode(item, pictures),
            HISTORY: lambda: self._client.explain(user, ids),
            CONTENT: lambda: self._client.explain(user, ids, words=True, regions=bool(pictures), pictures=pictures),
        }
        for name, call in calls.items():
            started = time.perf_counter()
            await call()
            self.timings.seconds.setdefault(name, []).append(time.perf_counter() - started)

    async def _encode(self, item: Item, pictures: Sequence[bytes]) -> None:
        deadline = Deadline.after(_SECONDS)
        texts = list(item.text_fields().values())
        asked: list[Awaitable[Any]] = []
        if texts:
            asked.append(self._text.encode(texts, deadline))
        if pictures:
            asked.append(self._image.encode([Visual(content) for content in pictures], deadline))
        await asyncio.gather(*asked)
