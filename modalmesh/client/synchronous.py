"""The client for code that waits. modalmesh.client.asynchronous is the same over asyncio."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Generic, Self

import grpc
import numpy as np
import numpy.typing as npt

from modalmesh import types
from modalmesh.channels import open_channel
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


class Client:
    """Speaks to a mesh's gateway about one namespace. Safe to share between threads; close it, or use `with`.

    Every call has a deadline of `timeout` seconds unless it is given its own (math.inf for none), is tried again
    until then while the mesh is overloaded or a part is down, and raises the errors of modalmesh.errors:
    InvalidInput with the field, NotFound, Overloaded, Unavailable, DeadlineExceeded, InternalError. Without `tls` it
    speaks plaintext; files that can't be used are an InvalidInput at once, and those that are replaced are taken up.
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
        self._channel = open_channel(address, tls, OPTIONS)
        self._stub = RecommenderStub(self._channel)

    def upsert_items(self, items: Iterable[types.Item], *, timeout: float | None = None) -> types.UpsertSummary:
        """Store items, read from the iterable as they are sent. Bad ones are listed, the rest goes in.

        `timeout` is a chunk's; by default ten times the client's, for models compute.
        """
        return chunks.merge_upserts(self.upsert_chunks(items, timeout=timeout))

    def upsert_chunks(
        self, items: Iterable[types.Item], *, timeout: float | None = None
    ) -> Iterator[types.UpsertSummary]:
        """`upsert_items` with a summary as soon as each chunk is stored."""
        return self._pipeline(calls.upsert_items(self.namespace, items), timeout)

    def record_events(self, events: Iterable[types.Event], *, timeout: float | None = None) -> types.RecordSummary:
        """Record events. Bad ones are listed; one that is known already adds nothing."""
        return chunks.merge_records(list(self.record_chunks(events, timeout=timeout)))

    def record_chunks(
        self, events: Iterable[types.Event], *, timeout: float | None = None
    ) -> Iterator[types.RecordSummary]:
        """`record_events` with a summary as soon as each chunk is stored."""
        return self._pipeline(calls.record_events(self.namespace, events), timeout)

    def get_item(self, item_id: str, *, timeout: float | None = None) -> types.Item:
        """The item as stored; its pictures and videos have a hash and no content."""
        return self._call(calls.get_item(self.namespace, item_id), timeout)

    def list_items(self, *, timeout: float | None = None) -> Iterator[types.Item]:
        """All items of the namespace, read a page at a time; `timeout` is a page's."""
        token, more = "", True
        while more:
            page = self._call(calls.list_items(self.namespace, PAGE_SIZE, token), timeout)
            yield from page.items
            token, more = page.next_page_token, bool(page.next_page_token)

    def delete_items(self, item_ids: Sequence[str], *, timeout: float | None = None) -> types.DeleteSummary:
        """Delete items. A try that is repeated may list ids as unknown that the first one deleted, and deletes what
        others created between.
        """
        return self._call(calls.delete_items(self.namespace, item_ids), timeout)

    def get_history(self, user_id: str, *, timeout: float | None = None) -> types.History:
        return self._call(calls.get_history(self.namespace, user_id), timeout)

    def get_embeddings(self, *, dtype: Dtype = Dtype.F16, timeout: float | None = None) -> Iterator[ItemEmbeddings]:
        """All items' vectors as numpy arrays. `dtype` is how they travel; without a `timeout` there is no deadline."""
        return self._stream(calls.get_embeddings(self.namespace, dtype), NO_DEADLINE if timeout is None else timeout)

    def recommend(
        self, user_id: str, k: int = 10, explain: bool = False, *, timeout: float | None = None
    ) -> types.RankedItems:
        """The k best items that the user hasn't seen."""
        return self._call(calls.recommend(self.namespace, user_id, k, explain), timeout)

    def rank(
        self,
        item_ids: Sequence[str],
        user_id: str | None = None,
        history: Iterable[types.Event] | None = None,
        *,
        timeout: float | None = None,
    ) -> types.RankedItems:
        """Your own candidates in order, for a user or for a history that you bring."""
        return self._call(calls.rank(self.namespace, item_ids, user_id, history), timeout)

    def similar_items(
        self, item_id: str, k: int = 10, by: types.SimilarBy = "fused", *, timeout: float | None = None
    ) -> types.RankedItems:
        return self._call(calls.similar_items(self.namespace, item_id, k, by), timeout)

    def search_items(
        self,
        text: str | None = None,
        image: bytes | npt.NDArray[np.uint8] | None = None,
        k: int = 10,
        *,
        timeout: float | None = None,
    ) -> types.RankedItems:
        """By text, by picture or by both. `image` is a file's bytes, or pixels (H, W), (H, W, 3 or 4) uint8."""
        return self._call(calls.search_items(self.namespace, text, image, k), timeout)

    def explain(
        self,
        user_id: str,
        item_ids: Sequence[str],
        *,
        words: bool = False,
        regions: bool = False,
        pictures: Iterable[bytes] = (),
        timeout: float | None = None,
    ) -> types.Explanations:
        """Why the items get their scores for this user: by which signals and history, and on request by which words of
        their texts and regions of their pictures, whose files the caller brings.
        """
        return self._call(calls.explain(self.namespace, user_id, item_ids, words, regions, pictures), timeout)

    def status(self, *, timeout: float | None = None) -> types.Status:
        return self._call(calls.status(), timeout)

    def close(self) -> None:
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, call: Call[Answer], timeout: float | None) -> Answer:
        seconds = self._timeout if timeout is None else timeout
        return self._repeat(call, Attempts(self._peer, call, seconds))

    def _repeat(self, call: Call[Answer], attempts: Attempts) -> Answer:
        """Try until there is an answer, or none to hope for."""
        while True:
            try:
                response = self._method(call)(call.argument(), **attempts.options)
            except grpc.RpcError as error:
                _wait(attempts, error)
            else:
                attempts.answered()
                return call.decode(response)

    def _pipeline(self, coming: Iterable[Call[Answer]], timeout: float | None) -> Iterator[Answer]:
        """Answers in order, with IN_FLIGHT calls under way while the next is made."""
        seconds = self._timeout * BULK_TIMEOUTS if timeout is None else timeout
        window: deque[_Flight[Answer]] = deque()
        try:
            for call in coming:
                window.append(_Flight(self, call, Attempts(self._peer, call, seconds)))
                if len(window) >= IN_FLIGHT:
                    yield window.popleft().land()
            while window:
                yield window.popleft().land()
        finally:
            for flight in window:
                flight.cancel()

    def _stream(self, call: Call[list[Answer]], timeout: float) -> Iterator[Answer]:
        """A response stream's entries. Only what hasn't begun to answer is tried again."""
        attempts = Attempts(self._peer, call, timeout)
        while True:
            responses = self._method(call)(call.argument(), **attempts.options)
            try:
                for response in responses:
                    attempts.answered()
                    yield from call.decode(response)
                return
            except grpc.RpcError as error:
                _wait(attempts, error)
            finally:
                responses.cancel()

    def _method(self, call: Call[Answer]) -> Any:
        return getattr(self._stub, call.method)


def _wait(attempts: Attempts, error: grpc.RpcError) -> None:
    """Until the next try; raises the typed error where there is none."""
    for seconds in attempts.waits_after(error):
        clock.sleep(seconds)


class _Flight(Generic[Answer]):
    """A call that is under way."""

    def __init__(self, client: Client, call: Call[Answer], attempts: Attempts) -> None:
        self._client, self._call, self._attempts = client, call, attempts
        self._future = None if call.known else client._method(call).future(call.argument(), **attempts.options)

    def land(self) -> Answer:
        """Wait for the answer, and try again by waiting calls where the first try failed."""
        if self._future is None:
            return self._call.decode(self._call.known)
        try:
            response = self._future.result()
        except grpc.RpcError as error:
            _wait(self._attempts, error)
            return self._client._repeat(self._call, self._attempts)
        self._attempts.answered()
        return self._call.decode(response)

    def cancel(self) -> None:
        if self._future is not None:
            self._future.cancel()
