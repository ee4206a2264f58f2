"""A real server of the project's shape on a free port, whose RPCs do what a test tells them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from modalmesh.v1 import recommender_service_pb2 as gateway
from modalmesh.v1 import text_encoder_service_pb2 as encoder
from modalmesh_services.common.configuration.settings import ServerSettings
from modalmesh_services.common.handlers import Context
from modalmesh_services.common.server import MeshServer

RECOMMENDER = "modalmesh.v1.Recommender"
TEXT_ENCODER = "modalmesh.v1.TextEncoder"
Behaviour = Callable[[Context], Awaitable[None]]


class Told:
    """A server with one RPC of each of gRPC's four kinds; each awaits `behaviour`, then answers."""

    def __init__(self, settings: ServerSettings | None = None) -> None:
        self.server = MeshServer(settings or ServerSettings(grace_seconds=5.0), [RECOMMENDER, TEXT_ENCODER])
        self.behaviour: Behaviour = self.nothing
        self.server.grpc.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(RECOMMENDER, self._recommender()),
                grpc.method_handlers_generic_handler(TEXT_ENCODER, self._text_encoder()),
            )
        )

    async def nothing(self, context: Context) -> None:
        """What an RPC does unless a test says otherwise."""

    def fails_with(self, error: BaseException) -> None:
        async def fail(context: Context) -> None:
            raise error

        self.behaviour = fail

    def waits(self) -> tuple[asyncio.Event, asyncio.Event]:
        """A call sets the first event, and returns when the second is set."""
        entered, leave = asyncio.Event(), asyncio.Event()

        async def wait(context: Context) -> None:
            entered.set()
            await leave.wait()

        self.behaviour = wait
        return entered, leave

    def _recommender(self) -> dict[str, Any]:
        async def get_item(request: Any, context: Context) -> gateway.GetItemResponse:
            await self.behaviour(context)
            return gateway.GetItemResponse()

        async def upsert_items(requests: AsyncIterator[Any], context: Context) -> gateway.UpsertItemsResponse:
            async for _ in requests:
                await self.behaviour(context)
            return gateway.UpsertItemsResponse(created=1)

        async def get_embeddings(request: Any, context: Context) -> AsyncIterator[gateway.GetEmbeddingsResponse]:
            yield gateway.GetEmbeddingsResponse()
            await self.behaviour(context)

        return {
            "GetItem": grpc.unary_unary_rpc_method_handler(
                get_item, gateway.GetItemRequest.FromString, gateway.GetItemResponse.SerializeToString
            ),
            "UpsertItems": grpc.stream_unary_rpc_method_handler(
                upsert_items, gateway.UpsertItemsRequest.FromString, gateway.UpsertItemsResponse.SerializeToString
            ),
            "GetEmbeddings": grpc.unary_stream_rpc_method_handler(
                get_embeddings, gateway.GetEmbeddingsRequest.FromString, gateway.GetEmbeddingsResponse.SerializeToString
            ),
        }

    def _text_encoder(self) -> dict[str, Any]:
        async def encode_stream(
            requests: AsyncIterator[Any], context: Context
        ) -> AsyncIterator[encoder.TextEncoderEncodeStreamResponse]:
            async for request in requests:
                await self.behaviour(context)
                yield encoder.TextEncoderEncodeStreamResponse(key=request.key)

        return {
            "EncodeStream": grpc.stream_stream_rpc_method_handler(
                encode_stream,
                encoder.TextEncoderEncodeStreamRequest.FromString,
                encoder.TextEncoderEncodeStreamResponse.SerializeToString,
            ),
        }
