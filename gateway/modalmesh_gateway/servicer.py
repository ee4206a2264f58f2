"""modalmesh.v1.Recommender: decode, await the core, encode."""

from collections.abc import AsyncIterator, Sequence

from modalmesh import convert
from modalmesh.convert_matrices import dtype_from_proto
from modalmesh.embeddings import Dtype
from modalmesh.errors import NotFound
from modalmesh.types import Served
from modalmesh.v1 import recommender_service_pb2 as pb
from modalmesh.v1.recommender_service_pb2_grpc import RecommenderServicer
from modalmesh_gateway.bootstrap import Gateway
from modalmesh_gateway.convert import item_tokens, stack_tokens
from modalmesh_gateway.explaining.explaining import check_pictures, most_explained
from modalmesh_gateway.explaining.naming import Wanted
from modalmesh_gateway.ingest import Chunk, current_basis
from modalmesh_gateway.ports import FuseInput
from modalmesh_gateway.validation import (
    MAX_EVENTS,
    MAX_RANKED,
    check_count,
    check_distinct,
    check_history,
    check_id,
    check_k,
    check_namespace,
    check_query,
)
from modalmesh_gateway.views import NamespaceView
from modalmesh_services.common.deadline import Deadline
from modalmesh_services.common.handlers import Context
from modalmesh_services.common.interceptors import deadline_of

_PAGE_SIZE = 100


class Recommender(RecommenderServicer):
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def UpsertItems(
        self,
        request_iterator: AsyncIterator[pb.UpsertItemsRequest],
        context: Context,
    ) -> pb.UpsertItemsResponse:
        chunks = (
            Chunk(request.namespace, [convert.item_from_proto(item) for item in request.items])
            async for request in request_iterator
        )
        summary = await self._gateway.ingest.upsert(chunks, deadline_of(context))
        return convert.upsert_summary_to_proto(summary)

    async def GetItem(self, request: pb.GetItemRequest, context: Context) -> pb.GetItemResponse:
        view = await self._view(request.namespace, self._deadline(context))
        check_id(request.item_id, "item_id")
        records = await self._gateway.store.catalogue.get(view.name, [request.item_id])
        if request.item_id not in records:
            raise NotFound(f"item_id: there is no item {request.item_id!r} in {view.name!r}", reason="UNKNOWN_ITEM")
        return pb.GetItemResponse(item=convert.item_to_proto(records[request.item_id].item))

    async def ListItems(self, request: pb.ListItemsRequest, context: Context) -> pb.ListItemsResponse:
        view = await self._view(request.namespace, self._deadline(context))
        size = request.page_size or _PAGE_SIZE
        check_k(size, "page_size")
        records, token = await self._gateway.store.catalogue.page(view.name, size, request.page_token)
        return pb.ListItemsResponse(
            items=[convert.item_to_proto(record.item) for record in records], next_page_token=token
        )

    async def DeleteItems(
        self,
        request: pb.DeleteItemsRequest,
        context: Context,
    ) -> pb.DeleteItemsResponse:
        view = await self._view(request.namespace, self._deadline(context))
        ids = _checked_ids(request.item_ids, "item_ids", MAX_EVENTS)
        deleted = await self._gateway.ingest.delete(view, list(dict.fromkeys(ids)))
        return pb.DeleteItemsResponse(
            deleted=len(deleted), unknown=[item_id for item_id in ids if item_id not in deleted]
        )

    async def RecordEvents(
        self,
        request: pb.RecordEventsRequest,
        context: Context,
    ) -> pb.RecordEventsResponse:
        view = await self._view(request.namespace, self._deadline(context))
        check_count(request.events, "events", MAX_EVENTS)
        summary = await self._gateway.recording.record(
            view, [convert.event_from_proto(event) for event in request.events]
        )
        return pb.RecordEventsResponse(
            recorded=summary.recorded,
            duplicates=summary.duplicates,
            refused=[convert.refusal_to_proto(refusal) for refusal in summary.refused],
        )

    async def GetHistory(
        self,
        request: pb.GetHistoryRequest,
        context: Context,
    ) -> pb.GetHistoryResponse:
        view = await self._view(request.namespace, self._deadline(context))
        check_id(request.user_id, "user_id")
        history = await self._gateway.store.histories.history(view.name, request.user_id)
        return pb.GetHistoryResponse(
            events=[convert.event_to_proto(event) for event in history.events], seen_items=len(history.seen)
        )

    async def GetEmbeddings(
        self,
        request: pb.GetEmbeddingsRequest,
        context: Context,
    ) -> AsyncIterator[pb.GetEmbeddingsResponse]:
        view = await self._view(request.namespace, self._deadline(context))
        dtype = dtype_from_proto(request.dtype, field="dtype", default=Dtype.F16)
        basis = current_basis(view, self._gateway.monitor)
        async for inputs in self._gateway.overview.embeddings(view, basis):
            yield _embeddings_to_proto(inputs, dtype)

    async def Recommend(self, request: pb.RecommendRequest, context: Context) -> pb.RecommendResponse:
        deadline = self._deadline(context)
        check_k(request.k)
        check_id(request.user_id, "user_id")
        view = await self._view(request.namespace, deadline)
        answer = await self._gateway.recommending.recommend(view, request.user_id, request.k, request.explain, deadline)
        return pb.RecommendResponse(
            items=[convert.ranked_item_to_proto(item) for item in answer.items],
            served=self._served(answer.served),
        )

    async def Rank(self, request: pb.RankRequest, context: Context) -> pb.RankResponse:
        deadline = self._deadline(context)
        ids = _checked_ids(request.item_ids, "item_ids", MAX_RANKED)
        check_distinct(ids, "item_ids")
        history = [convert.event_from_proto(event) for event in request.history]
        if request.user_id or not history:
            check_id(request.user_id, "user_id")
        check_history(history, self._gateway.settings.history_window)
        view = await self._view(request.namespace, deadline)
        answer = await self._gateway.recommending.rank(view, ids, request.user_id, history, deadline)
        return pb.RankResponse(
            items=[convert.ranked_item_to_proto(item) for item in answer.items],
            unknown=answer.unknown,
            served=self._served(answer.served),
        )

    async def SimilarItems(
        self,
        request: pb.SimilarItemsRequest,
        context: Context,
    ) -> pb.SimilarItemsResponse:
        check_k(request.k)
        check_id(request.item_id, "item_id")
        view = await self._view(request.namespace, self._deadline(context))
        by = convert.similar_by_from_proto(request.by)
        answer = self._gateway.searching.similar(view, request.item_id, request.k, by)
        return pb.SimilarItemsResponse(
            items=[convert.ranked_item_to_proto(item) for item in answer.items],
            served=self._served(answer.served),
        )

    async def SearchItems(
        self,
        request: pb.SearchItemsRequest,
        context: Context,
    ) -> pb.SearchItemsResponse:
        deadline = self._deadline(context)
        check_k(request.k)
        check_query(request.text)
        view = await self._view(request.namespace, deadline)
        limited = Deadline.after(min(deadline.remaining, self._gateway.settings.part_seconds))
        answer = await self._gateway.searching.search(view, request.text, request.image, request.k, limited)
        return pb.SearchItemsResponse(
            items=[convert.ranked_item_to_proto(item) for item in answer.items],
            served=self._served(answer.served),
        )

    async def Explain(self, request: pb.ExplainRequest, context: Context) -> pb.ExplainResponse:
        deadline = self._deadline(context)
        check_id(request.user_id, "user_id")
        wanted = Wanted(request.words, request.regions, tuple(request.pictures))
        ids = _checked_ids(request.item_ids, "item_ids", most_explained(wanted))
        check_distinct(ids, "item_ids")
        check_pictures(wanted)
        view = await self._view(request.namespace, deadline)
        answer = await self._gateway.explaining.explain(view, request.user_id, ids, wanted, deadline)
        return pb.ExplainResponse(
            explanations=[convert.explanation_to_proto(explanation) for explanation in answer.explanations],
            served=self._served(answer.served),
        )

    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.GetStatusResponse:
        return convert.status_to_proto(await self._gateway.overview.status())

    def _served(self, served: Served) -> pb.Served:
        self._gateway.degraded.update(lack.part for lack in served.lacked)
        return convert.served_to_proto(served)

    def _deadline(self, context: Context) -> Deadline:
        return deadline_of(context, self._gateway.settings.call_seconds)

    async def _view(self, namespace: str, deadline: Deadline) -> NamespaceView:
        check_namespace(namespace)
        wait_seconds = min(deadline.remaining, self._gateway.settings.part_seconds)
        return await self._gateway.views.require(namespace, wait_seconds)


def _checked_ids(ids: Sequence[str], field: str, largest: int) -> list[str]:
    check_count(ids, field, largest)
    for position, item_id in enumerate(ids):
        check_id(item_id, f"{field}[{position}]")
    return list(ids)


def _embeddings_to_proto(inputs: Sequence[FuseInput], dtype: Dtype) -> pb.GetEmbeddingsResponse:
    text, text_rows = stack_tokens([each.text for each in inputs], dtype)
    image, image_rows = stack_tokens([each.image for each in inputs], dtype)
    rows = zip(inputs, text_rows, image_rows, strict=True)
    return pb.GetEmbeddingsResponse(
        text=text, image=image, items=[item_tokens(each, text_row, image_row) for each, text_row, image_row in rows]
    )
