"""TextEncoder's methods: decode, await the core, encode."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc

from modalmesh.v1 import text_encoder_service_pb2 as messages
from modalmesh.v1.text_encoder_service_pb2_grpc import TextEncoderServicer as Base
from modalmesh_services.common.convert_encoding import fitting
from modalmesh_services.common.interceptors import deadline_of
from modalmesh_services.common.streaming import StreamLimits, answer_stream
from modalmesh_services.text_encoder import convert
from modalmesh_services.text_encoder.core import FIELD, TextEncoder
from modalmesh_services.text_encoder.settings import TextEncoderSettings

SERVICE_NAME = "modalmesh.v1.TextEncoder"
Context = grpc.aio.ServicerContext[Any, Any]


class TextEncoderServicer(Base):
    def __init__(self, core: TextEncoder, settings: TextEncoderSettings) -> None:
        self._core = core
        self._stream_limits = StreamLimits(settings.stream_in_flight, settings.stream_answer_bytes)
        self._most_bytes = settings.max_message_bytes

    async def Encode(
        self, request: messages.TextEncoderEncodeRequest, context: Context
    ) -> messages.TextEncoderEncodeResponse:
        call = convert.encode_call(request)
        batch = await self._core.encode(call.texts, call.granularity, deadline_of(context), call.dtype)
        return fitting(convert.encode_response(batch, call.dtype), self._most_bytes, FIELD)

    async def EncodeStream(
        self, request_iterator: AsyncIterator[messages.TextEncoderEncodeStreamRequest], context: Context
    ) -> AsyncIterator[messages.TextEncoderEncodeStreamResponse]:
        deadline = deadline_of(context)

        async def answer(
            call: convert.EncodeCall, admitted: Callable[[], None]
        ) -> messages.TextEncoderEncodeStreamResponse:
            batch = await self._core.encode(call.texts, call.granularity, deadline, call.dtype, admitted)
            return fitting(convert.stream_response(call.key, batch, call.dtype), self._most_bytes, FIELD)

        def weigh(call: convert.EncodeCall) -> int:
            return self._core.answer_bytes(call.texts[0], call.granularity, call.dtype)

        calls = (convert.stream_call(request) async for request in request_iterator)
        async for response in answer_stream(calls, answer, weigh, self._stream_limits):
            yield response

    async def GetModel(
        self, request: messages.TextEncoderGetModelRequest, context: Context
    ) -> messages.TextEncoderGetModelResponse:
        return convert.model_response(self._core.info())
