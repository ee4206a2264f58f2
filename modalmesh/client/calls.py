"""The calls of a gateway, each described once: a request, and how its answer is read. Clients only drive them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
from google.protobuf.message import Message

from modalmesh import convert, types
from modalmesh.client import chunks
from modalmesh.client.chunks import Chunk, event_chunks, item_chunks
from modalmesh.client.reading import item_embeddings
from modalmesh.embeddings import Dtype
from modalmesh.errors import InvalidInput
from modalmesh.item_embeddings import ItemEmbeddings
from modalmesh.pixels import png
from modalmesh.v1 import recommender_service_pb2 as v1
from modalmesh.v1.types_pb2 import DataType, Event, Item

Answer = TypeVar("Answer")

# What may be asked twice, because it reads, or because a second write of the same adds nothing: items are compared by
# their content, events by their id. It undoes what another writer did between. A method that is not listed is tried
# once.
_REPEATABLE = frozenset(
    {
        "UpsertItems",
        "GetItem",
        "ListItems",
        "DeleteItems",
        "RecordEvents",
        "GetHistory",
        "GetEmbeddings",
        "Recommend",
        "Rank",
        "SimilarItems",
        "SearchItems",
        "Explain",
        "GetStatus",
    }
)

Parameters = ParamSpec("Parameters")
_LARGEST_UINT32 = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """`method` names the stub's; `decode` reads its response, or each one of a response stream.

    `known` is the response where it needs no asking: all that was to be sent was refused on the way.
    """

    method: str
    request: Message
    decode: Callable[[Any], Answer]
    known: Message | None = None

    @property
    def repeatable(self) -> bool:
        return self.method in _REPEATABLE

    def argument(self) -> Any:
        """What the stub's method takes; a stream of requests has one here, so that each can be tried again."""
        return iter((self.request,)) if self.method == "UpsertItems" else self.request


def _checked(build: Callable[Parameters, Call[Answer]]) -> Callable[Parameters, Call[Answer]]:
    """Refuse what no message can hold, such as half of a surrogate pair, as InvalidInput."""

    @wraps(build)
    def checked(*arguments: Parameters.args, **options: Parameters.kwargs) -> Call[Answer]:
        try:
            return build(*arguments, **options)
        except ValueError as error:
            raise InvalidInput("request", str(error)) from error

    return checked


def upsert_items(namespace: str, items: Iterable[types.Item]) -> Iterator[Call[types.UpsertSummary]]:
    """A call a chunk; items are read as calls are taken."""
    return (_upsert_chunk(namespace, chunk) for chunk in item_chunks(items))


def record_events(namespace: str, events: Iterable[types.Event]) -> Iterator[Call[types.RecordSummary]]:
    """A call a chunk; events are read as calls are taken."""
    return (_record_chunk(namespace, chunk) for chunk in event_chunks(events))


@_checked
def _upsert_chunk(namespace: str, chunk: Chunk[Item]) -> Call[types.UpsertSummary]:
    return Call(
        "UpsertItems",
        v1.UpsertItemsRequest(namespace=namespace, items=chunk.messages),
        lambda response: chunks.place_upsert(chunk, convert.upsert_summary_from_proto(response)),
        known=None if chunk.messages else v1.UpsertItemsResponse(),
    )


@_checked
def _record_chunk(namespace: str, chunk: Chunk[Event]) -> Call[types.RecordSummary]:
    return Call(
        "RecordEvents",
        v1.RecordEventsRequest(namespace=namespace, events=chunk.messages),
        lambda response: chunks.place_record(chunk, _record_summary(response)),
        known=None if chunk.messages else v1.RecordEventsResponse(),
    )


@_checked
def get_item(namespace: str, item_id: str) -> Call[types.Item]:
    request = v1.GetItemRequest(namespace=namespace, item_id=item_id)
    return Call("GetItem", request, lambda response: convert.item_from_proto(response.item))


@_checked
def list_items(namespace: str, page_size: int, page_token: str) -> Call[types.ItemPage]:
    request = v1.ListItemsRequest(namespace=namespace, page_size=page_size, page_token=page_token)
    return Call("ListItems", request, _item_page)


@_checked
def delete_items(namespace: str, item_ids: Sequence[str]) -> Call[types.DeleteSummary]:
    request = v1.DeleteItemsRequest(namespace=namespace, item_ids=_ids(item_ids))
    return Call("DeleteItems", request, lambda r: types.DeleteSummary(r.deleted, tuple(r.unknown)))


@_checked
def get_history(namespace: str, user_id: str) -> Call[types.History]:
    return Call("GetHistory", v1.GetHistoryRequest(namespace=namespace, user_id=user_id), _history)


@_checked
def get_embeddings(namespace: str, dtype: Dtype) -> Call[list[ItemEmbeddings]]:
    request = v1.GetEmbeddingsRequest(namespace=namespace, dtype=DataType.ValueType(dtype))
    return Call("GetEmbeddings", request, item_embeddings)


@_checked
def recommend(namespace: str, user_id: str, k: int, explain: bool) -> Call[types.RankedItems]:
    request = v1.RecommendRequest(namespace=namespace, user_id=user_id, k=_k(k), explain=explain)
    return Call("Recommend", request, _ranked)


@_checked
def rank(
    namespace: str, item_ids: Sequence[str], user_id: str | None, history: Iterable[types.Event] | None
) -> Call[types.RankedItems]:
    request = v1.RankRequest(
        namespace=namespace,
        user_id=user_id or "",
        item_ids=_ids(item_ids),
        history=[convert.event_to_proto(event) for event in history or ()],
    )
    return Call("Rank", request, lambda response: _ranked(response, tuple(response.unknown)))


@_checked
def similar_items(namespace: str, item_id: str, k: int, by: types.SimilarBy) -> Call[types.RankedItems]:
    if by not in ("fused", "text", "image"):
        raise InvalidInput("by", f"must be fused, text or image, got {by!r}")
    request = v1.SimilarItemsRequest(namespace=namespace, item_id=item_id, k=_k(k), by=convert.similar_by_to_proto(by))
    return Call("SimilarItems", request, _ranked)


@_checked
def search_items(
    namespace: str, text: str | None, image: bytes | npt.NDArray[np.uint8] | None, k: int
) -> Call[types.RankedItems]:
    content = png(image) if isinstance(image, np.ndarray) else image
    request = v1.SearchItemsRequest(namespace=namespace, text=text or "", image=content or b"", k=_k(k))
    return Call("SearchItems", request, _ranked)


@_checked
def explain(
    namespace: str, user_id: str, item_ids: Sequence[str], words: bool, regions: bool, pictures: Iterable[bytes]
) -> Call[types.Explanations]:
    request = v1.ExplainRequest(
        namespace=namespace,
        user_id=user_id,
        item_ids=_ids(item_ids),
        words=words,
        regions=regions,
        pictures=_files(pictures),
    )
    return Call("Explain", request, _explanations)


def status() -> Call[types.Status]:
    return Call("GetStatus", v1.GetStatusRequest(), convert.status_from_proto)


def _k(k: int) -> int:
    """The gateway knows the real limits; here only what fits the message is let through."""
    if not 0 <= k <= _LARGEST_UINT32:
        raise InvalidInput("k", f"must be 1 to 1000, got {k}", reason="OUT_OF_RANGE")
    return k


def _ids(item_ids: Sequence[str]) -> Sequence[str]:
    """One string is a sequence of strings too, of its letters: surely not what was meant."""
    if isinstance(item_ids, str):
        raise InvalidInput("item_ids", "must be a list of ids, got one string")
    return item_ids


def _files(contents: Iterable[bytes]) -> Iterable[bytes]:
    """One file's bytes are iterable too."""
    if isinstance(contents, bytes):
        raise InvalidInput("pictures", "must be a list of files, got one file")
    return contents


def _ranked(
    response: v1.RecommendResponse | v1.RankResponse | v1.SimilarItemsResponse | v1.SearchItemsResponse,
    unknown: Sequence[str] = (),
) -> types.RankedItems:
    items = tuple(convert.ranked_item_from_proto(item) for item in response.items)
    return types.RankedItems(items, convert.served_from_proto(response.served), unknown)


def _explanations(response: v1.ExplainResponse) -> types.Explanations:
    explanations = tuple(convert.explanation_from_proto(message) for message in response.explanations)
    return types.Explanations(explanations, convert.served_from_proto(response.served))


def _record_summary(response: v1.RecordEventsResponse) -> types.RecordSummary:
    refused = tuple(convert.refusal_from_proto(refusal) for refusal in response.refused)
    return types.RecordSummary(response.recorded, response.duplicates, refused)


def _history(response: v1.GetHistoryResponse) -> types.History:
    return types.History(tuple(convert.event_from_proto(event) for event in response.events), response.seen_items)


def _item_page(response: v1.ListItemsResponse) -> types.ItemPage:
    return types.ItemPage(tuple(convert.item_from_proto(item) for item in response.items), response.next_page_token)
