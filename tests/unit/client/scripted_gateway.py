"""A gateway at the transport: a real gRPC server that answers what a test has told it to, and notes what it was asked.

UpsertItems and RecordEvents keep what they get, as the real one does; an item titled `refuse me` and an event of an
unknown item are refused.
"""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc
from google.protobuf.message import Message

from modalmesh.credentials import server_credentials
from modalmesh.errors import ModalmeshError
from modalmesh.status import DETAILS_KEY, REQUEST_ID_KEY, status_code, to_status
from modalmesh.tls import Tls
from modalmesh.v1 import recommender_service_pb2 as v1
from modalmesh.v1.recommender_service_pb2_grpc import RecommenderServicer, add_RecommenderServicer_to_server

MIB = 1024 * 1024


class ScriptedGateway(RecommenderServicer):
    def __init__(self, port: int = 0, tls: Tls | None = None) -> None:
        self.answers: dict[str, Any] = {}
        self.failures: defaultdict[str, deque[ModalmeshError]] = defaultdict(deque)
        self.delay_seconds = 0.0
        self.received: list[tuple[str, Message]] = []
        self.request_ids: list[object] = []
        self.items: dict[str, bytes] = {}
        self.event_ids: set[str] = set()
        options = [
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", 64 * MIB),
            ("grpc.max_send_message_length", 128 * MIB),
        ]
        self._server = grpc.server(ThreadPoolExecutor(8), options=options)
        add_RecommenderServicer_to_server(self, self._server)
        where = f"127.0.0.1:{port}"
        listen, secured = self._server.add_insecure_port, self._server.add_secure_port
        self.port = secured(where, server_credentials(tls)) if tls else listen(where)
        self.address = f"127.0.0.1:{self.port}"
        self._server.start()

    def stop(self) -> None:
        self._server.stop(0).wait()

    def fail(self, method: str, *errors: ModalmeshError) -> None:
        """The next calls of `method` fail with these, one each."""
        self.failures[method].extend(errors)

    def requests(self, method: str) -> list[Any]:
        return [request for name, request in self.received if name == method]

    def _take(self, method: str, request: Message, context: grpc.ServicerContext) -> None:
        self.received.append((method, request))
        self.request_ids.append(dict(context.invocation_metadata()).get(REQUEST_ID_KEY))
        time.sleep(self.delay_seconds)
        if self.failures[method]:
            _abort(context, self.failures[method].popleft())

    def _answer(self, method: str, empty: Message, request: Message, context: grpc.ServicerContext) -> Any:
        self._take(method, request, context)
        answer = self.answers.get(method, empty)
        if isinstance(answer, Callable):  # type: ignore[arg-type]  # mypy: Callable is no class
            answer = answer(request)
        if isinstance(answer, ModalmeshError):
            _abort(context, answer)
        return answer

    def UpsertItems(  # noqa: N802 - the contract's name
        self, request_iterator: Iterator[v1.UpsertItemsRequest], context: grpc.ServicerContext
    ) -> v1.UpsertItemsResponse:
        response, position = v1.UpsertItemsResponse(), 0
        for request in request_iterator:
            self._take("UpsertItems", request, context)
            for item in request.items:
                self._upsert(item, position, response)
                position += 1
        return response

    def _upsert(self, item: Any, position: int, response: v1.UpsertItemsResponse) -> None:
        content = item.SerializeToString(deterministic=True)
        if item.title == "refuse me":
            response.refused.add(id=item.item_id, position=position, field="title", reason="BAD", message="is refused")
            response.refused_count += 1
        elif self.items.get(item.item_id) == content:
            response.unchanged += 1
        else:
            response.encoded_texts += 1
            response.encoded_images += len(item.pictures)
            response.updated += item.item_id in self.items
            response.created += item.item_id not in self.items
            self.items[item.item_id] = content

    def RecordEvents(  # noqa: N802
        self, request: v1.RecordEventsRequest, context: grpc.ServicerContext
    ) -> v1.RecordEventsResponse:
        self._take("RecordEvents", request, context)
        response = v1.RecordEventsResponse()
        for position, event in enumerate(request.events):
            if event.item_id not in self.items:
                place = f"events[{position}].item_id"
                response.refused.add(position=position, field=place, reason="UNKNOWN_ITEM", message="there is no item")
            elif event.event_id in self.event_ids:
                response.duplicates += 1
            else:
                response.recorded += 1
                self.event_ids.add(event.event_id)
        return response

    def GetEmbeddings(  # noqa: N802
        self, request: v1.GetEmbeddingsRequest, context: grpc.ServicerContext
    ) -> Iterator[v1.GetEmbeddingsResponse]:
        self._take("GetEmbeddings", request, context)
        for answer in self.answers.get("GetEmbeddings", []):
            if isinstance(answer, ModalmeshError):
                _abort(context, answer)
            yield answer

    def ListItems(self, request: v1.ListItemsRequest, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._answer("ListItems", v1.ListItemsResponse(), request, context)

    def GetItem(self, request: v1.GetItemRequest, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._answer("GetItem", v1.GetItemResponse(), request, context)

    def DeleteItems(self, request: v1.DeleteItemsRequest, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._answer("DeleteItems", v1.DeleteItemsResponse(), request, context)

    def GetHistory(self, request: v1.GetHistoryRequest, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._answer("GetHistory", v1.GetHistoryResponse(), request, context)

    def Recommend(self, request: v1.RecommendRequest, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._answer("Recommend", v1.RecommendResponse(), request, context)

    def Rank(self, request: v1.RankRequest, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._answer("Rank", v1.RankResponse(), request, context)

    def SimilarItems(self, request: v1.SimilarItemsRequest, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._answer("SimilarItems", v1.SimilarItemsResponse(), request, context)

    def SearchItems(self, request: v1.SearchItemsRequest, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._answer("SearchItems", v1.SearchItemsResponse(), request, context)

    def Explain(self, request: v1.ExplainRequest, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._answer("Explain", v1.ExplainResponse(), request, context)

    def GetStatus(self, request: v1.GetStatusRequest, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._answer("GetStatus", v1.GetStatusResponse(), request, context)


def _abort(context: grpc.ServicerContext, error: ModalmeshError) -> NoReturn:
    request_id = ((REQUEST_ID_KEY, error.request_id),) if error.request_id else ()
    context.set_trailing_metadata(((DETAILS_KEY, to_status(error).SerializeToString()), *request_id))
    context.abort(status_code(error), error.message)
    raise AssertionError("abort raises")
