"""The client for asyncio: modalmesh.client.synchronous, awaited."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

import grpc
import numpy as np
import numpy.typing as npt

from modalmesh import types
from modalmesh.channels import open_aio_channel
from modalmesh.client import calls, chunks, clock
from modalmesh.client.attempts import Attempts
from modalmesh.client.calls import Answer, Call
from modalmesh.client.channel import (
    BULK_TIMEOUTS,
    DEFAULT_ADDRESS,
    DEFAULT_TIMEOUT,
    IN_FLIGHT,
    NO_DEADLINE,
    OPTIONS,
    PAGE_SIZE,
)
from modalmesh.client.peer import Peer
from modalmesh.embeddings import Dtype
from modalmesh.item_embeddings import ItemEmbeddings
from modalmesh.tls import Tls
from modalmesh.v1.recommender_service_pb2_grpc import RecommenderStub


class AsyncClient:
    """`modalmesh.Client` for asyncio: the same calls, deadlines, tries and errors. It belongs to one event loop.

    Iterables of items and events are read on that loop: give lists or generators that don't wait.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        namespace: str = "default",
        timeout: float = DEFAULT_TIMEOUT,
        *,
        tls: Tls | None = None,
    ) -> None:
        self.namespace = namespace
        self._timeout = timeout
        self._peer = Peer(address, tls, timeout)
        self._channel = open_aio_channel(address, tls, OPTIONS)
        self._stub = RecommenderStub(self._channel)

    async def upsert_items(self, items: Iterable[types.Item], *, timeout: float | None = None) -> types.UpsertSummary:
        return chunks.merge_upserts([summary async for summary in self.upsert_chunks(items, timeout=timeout)])

    def upsert_chunks(
        self, items: Iterable[types.Item], *, timeout: float | None = None
    ) -> AsyncIterator[types.UpsertSummary]:
        return self._pipeline(calls.upsert_items(self.namespace, items), timeout)

    async def record_events(
        self, events: Iterable[types.Event], *, timeout: float | None = None
    ) -> types.RecordSummary:
        return chunks.merge_records([summary async for summary in self.record_chunks(events, timeout=timeout)])

    def record_chunks(
        self, events: Iterable[types.Event], *, timeout: float | None = None
    ) -> AsyncIterator[types.RecordSummary]:
        return self._pipeline(calls.record_events(self.namespace, events), timeout)

    async def get_item(self, item_id: str, *, timeout: float | None = None) -> types.Item:
        return await self._call(calls.get_item(self.namespace, item_id), timeout)

    async def list_items(self, *, timeout: float | None = None) -> AsyncIterator[types.Item]:
        token, more = "", True
        while more:
            page = await self._call(calls.list_items(self.namespace, PAGE_SIZE, token), timeout)
            for item in page.items:
                yield item
            token, more = page.next_page_token, bool(page.next_page_token)

    async def delete_items(self, item_ids: Sequence[str], *, timeout: float | None = None) -> types.DeleteSummary:
        return await self._call(calls.delete_items(self.namespace, item_ids), timeout)

    async def get_history(self, user_id: str, *, timeout: float | None = None) -> types.History:
        return await self._call(calls.get_history(self.namespace, user_id), timeout)

    def get_embeddings(
        self, *, dtype: Dtype = Dtype.F16, timeout: float | None = None
    ) -> AsyncIterator[ItemEmbeddings]:
        return self._stream(calls.get_embeddings(self.namespace, dtype), NO_DEADLINE if timeout is None else timeout)

    async def recommend(
        self, user_id: str, k: int = 10, explain: bool = False, *, timeout: float | None = None
    ) -> types.RankedItems:
        return await self._call(calls.recommend(self.namespace, user_id, k, explain), timeout)

    async def rank(
        self,
        item_ids: Sequence[str],
        user_id: str | None = None,
        history: Iterable[types.Event] | None = None,
        *,
        timeout: float | None = None,
    ) -> types.RankedItems:
        return await self._call(calls.rank(self.namespace, item_ids, user_id, history), timeout)

    async def similar_items(
        self, item_id: str, k: int = 10, by: types.SimilarBy = "fused", *, timeout: float | None = None
    ) -> types.RankedItems:
        return await self._call(calls.similar_items(self.namespace, item_id, k, by), timeout)

    async def search_items(
        self,
        text: str | None = None,
        image: bytes | npt.NDArray[np.uint8] | None = None,
        k: int = 10,
        *,
        timeout: float | None = None,
    ) -> types.RankedItems:
        return await self._call(calls.search_items(self.namespace, text, image, k), timeout)

    async def explain(
        self,
        user_id: str,
        item_ids: Sequence[str],
        *,
        words: bool = False,
        regions: bool = False,
        pictures: Iterable[bytes] = (),
        timeout: float | None = None,
    ) -> types.Explanations:
        call = calls.explain(self.namespace, user_id, item_ids, words, regions, pictures)
        return await self._call(call, timeout)

    async def status(self, *, timeout: float | None = None) -> types.Status:
        return await self._call(calls.status(), timeout)

    async def close(self) -> None:
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _call(self, call: Call[Answer], timeout: float | None) -> Answer:
        """Try until there is an answer, or none to hope for."""
        if call.known is not None:
            return call.decode(call.known)
        attempts = Attempts(self._peer, call, self._timeout if timeout is None else timeout)
        while True:
            try:
                response = await self._send(call, attempts)
            except grpc.RpcError as error:
                await _wait(attempts, error)
            else:
                attempts.answered()
                return call.decode(response)

    async def _send(self, call: Call[Answer], attempts: Attempts) -> Any:
        """One try.

        A stream of requests that can't be sent to its end, because the call is over, grpc.aio ends as if its caller
        had cancelled it. Whoever didn't must not believe so.
        """
        try:
            return await self._method(call)(call.argument(), **attempts.options)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            code = grpc.StatusCode.DEADLINE_EXCEEDED if attempts.remaining == 0 else grpc.StatusCode.UNAVAILABLE
            none = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(code, none, none, "the call ended before its request was sent") from None

    async def _pipeline(self, coming: Iterable[Call[Answer]], timeout: float | None) -> AsyncIterator[Answer]:
        """Answers in order, with IN_FLIGHT calls under way while the next is made."""
        seconds = self._timeout * BULK_TIMEOUTS if timeout is None else timeout
        window: deque[asyncio.Task[Answer]] = deque()
        try:
            for call in coming:
                window.append(asyncio.create_task(self._call(call, seconds)))
                if len(window) >= IN_FLIGHT:
                    yield await window.popleft()
            while window:
                yield await window.popleft()
        finally:
            for task in window:
                task.cancel()
            await asyncio.gather(*window, return_exceptions=True)

    async def _stream(self, call: Call[list[Answer]], timeout: float) -> AsyncIterator[Answer]:
        """A response stream's entries. Only what hasn't begun to answer is tried again."""
        attempts = Attempts(self._peer, call, timeout)
        while True:
            responses = self._method(call)(call.argument(), **attempts.options)
            try:
                async for response in responses:
                    attempts.answered()
                    for entry in call.decode(response):
                        yield entry
                return
            except grpc.RpcError as error:
                await _wait(attempts, error)
            finally:
                responses.cancel()

    def _method(self, call: Call[Answer]) -> Any:
        return getattr(self._stub, call.method)


async def _wait(attempts: Attempts, error: grpc.RpcError) -> None:
    """Until the next try; raises the typed error where there is none."""
    for seconds in attempts.waits_after(error):
        await clock.sleep_on_loop(seconds)
