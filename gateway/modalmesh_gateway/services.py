"""The other services, reached by their contract: ports over grpc.aio."""

import asyncio
import json
from collections.abc import Awaitable, Sequence
from typing import TypeVar

import grpc
import numpy as np
import numpy.typing as npt

from modalmesh.convert import explanation_from_proto, model_from_proto
from modalmesh.convert_matrices import matrix_from_proto, matrix_to_proto
from modalmesh.embeddings import Embeddings
from modalmesh.errors import (
    DeadlineExceeded,
    InternalError,
    ModalmeshError,
    Overloaded,
    Unavailable,
)
from modalmesh.status import from_rpc_error
from modalmesh.types import Explanation, ModelInfo
from modalmesh.v1 import fusion_ranker_service_pb2 as ranker
from modalmesh.v1 import image_encoder_service_pb2 as image_encoder
from modalmesh.v1 import text_encoder_service_pb2 as text_encoder
from modalmesh.v1.fusion_ranker_service_pb2_grpc import FusionRankerStub
from modalmesh.v1.image_encoder_service_pb2_grpc import ImageEncoderStub
from modalmesh.v1.text_encoder_service_pb2_grpc import TextEncoderStub
from modalmesh_gateway import convert
from modalmesh_gateway.ports import EncodedBatch, FuseInput, RankInput, UserQueries, Visual
from modalmesh_services.common.deadline import Deadline

Answer = TypeVar("Answer")

# Every RPC of these services only computes: to ask again is safe.
_SERVICE_CONFIG = json.dumps(
    {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 3,
                    "initialBackoff": "0.05s",
                    "maxBackoff": "0.5s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ],
    }
)


def open_channel(address: str, max_message_bytes: int) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(
        address,
        options=[
            ("grpc.service_config", _SERVICE_CONFIG),
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.max_send_message_length", max_message_bytes),
            # A service that was restarted is found again within a second, not after gRPC's two minutes.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1000),
            ("grpc.enable_http_proxy", 0),
        ],
    )


class _GrpcPart:
    def __init__(self, name: str, address: str) -> None:
        self._name = name
        self._address = address

    @property
    def name(self) -> str:
        return self._name

    @property
    def address(self) -> str:
        return self._address

    async def _call(self, call: Awaitable[Answer]) -> Answer:
        """Await a stub's call; a failure that is the part's own becomes Unavailable with its name."""
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise self._name_part(from_rpc_error(error)) from error

    def _name_part(self, error: ModalmeshError) -> ModalmeshError:
        match error:
            case Unavailable():
                return Unavailable(
                    self._name, f"{self._name}: {error.message}", retry_after=error.retry_after, reason=error.reason
                )
            case Overloaded():
                return Overloaded(f"{self._name}: {error.message}", retry_after=error.retry_after, reason=error.reason)
            case DeadlineExceeded():
                return Unavailable(self._name, f"{self._name} did not answer in time", reason="TIMEOUT")
            case InternalError():
                return Unavailable(self._name, f"{self._name} failed: {error.message}", reason="INTERNAL")
            case _:
                return error


class GrpcTextEncoder(_GrpcPart):
    """The text-encoder as an Encoder of str."""

    def __init__(self, address: str, channel: grpc.aio.Channel) -> None:
        super().__init__("text-encoder", address)
        self._stub = TextEncoderStub(channel)

    async def model(self, deadline: Deadline) -> ModelInfo:
        call = self._stub.GetModel(text_encoder.TextEncoderGetModelRequest(), timeout=deadline.remaining)
        return model_from_proto((await self._call(call)).model)

    async def encode(self, inputs: Sequence[str], deadline: Deadline) -> EncodedBatch:
        request = convert.text_request(inputs)
        response = await self._call(self._stub.Encode(request, timeout=deadline.remaining))
        return convert.encoded_from_proto(response, len(inputs))


class GrpcImageEncoder(_GrpcPart):
    """The image-encoder as an Encoder of Visual."""

    def __init__(self, address: str, channel: grpc.aio.Channel) -> None:
        super().__init__("image-encoder", address)
        self._stub = ImageEncoderStub(channel)

    async def model(self, deadline: Deadline) -> ModelInfo:
        call = self._stub.GetModel(image_encoder.ImageEncoderGetModelRequest(), timeout=deadline.remaining)
        return model_from_proto((await self._call(call)).model)

    async def encode(self, inputs: Sequence[Visual], deadline: Deadline) -> EncodedBatch:
        request = convert.image_request(inputs)
        response = await self._call(self._stub.Encode(request, timeout=deadline.remaining))
        return convert.encoded_from_proto(response, len(inputs))


class GrpcRanker(_GrpcPart):
    """The fusion-ranker as a Ranker."""

    def __init__(self, address: str, channel: grpc.aio.Channel) -> None:
        super().__init__("fusion-ranker", address)
        self._stub = FusionRankerStub(channel)

    async def model(self, deadline: Deadline) -> ModelInfo:
        call = self._stub.GetModel(ranker.FusionRankerGetModelRequest(), timeout=deadline.remaining)
        return model_from_proto((await self._call(call)).model)

    async def fuse(self, inputs: Sequence[FuseInput], deadline: Deadline) -> Embeddings:
        request = convert.fuse_request(inputs)
        response = await self._call(self._stub.Fuse(request, timeout=deadline.remaining))
        vectors = matrix_from_proto(response.vectors, field="vectors")
        self._require_count("vectors", vectors.rows, len(inputs))
        return vectors

    async def encode_user(self, request: RankInput, deadline: Deadline) -> UserQueries:
        message = ranker.FusionRankerEncodeUserRequest(
            vectors=matrix_to_proto(request.vectors),
            history=convert.history_to_proto(request.history),
            request_time_ms=request.time_ms,
        )
        response = await self._call(self._stub.EncodeUser(message, timeout=deadline.remaining))
        return convert.queries_from_proto(response, request.vectors.model, request.vectors.dim)

    async def propose(self, request: RankInput, limit: int, deadline: Deadline) -> Sequence[str]:
        message = ranker.FusionRankerProposeRequest(
            history=convert.history_to_proto(request.history), limit=limit, request_time_ms=request.time_ms
        )
        response = await self._call(self._stub.Propose(message, timeout=deadline.remaining))
        return [item.item_id for item in response.items]

    async def rank(self, request: RankInput, deadline: Deadline) -> npt.NDArray[np.float32]:
        message = ranker.FusionRankerRankRequest(
            vectors=matrix_to_proto(request.vectors),
            history=convert.history_to_proto(request.history),
            candidates=convert.candidates_to_proto(request.candidates),
            request_time_ms=request.time_ms,
        )
        response = await self._call(self._stub.Rank(message, timeout=deadline.remaining))
        self._require_count("probabilities", len(response.probabilities), len(request.candidates))
        return np.array(response.probabilities, dtype=np.float32)

    async def explain(self, request: RankInput, explain: Sequence[int], deadline: Deadline) -> Sequence[Explanation]:
        message = ranker.FusionRankerExplainRequest(
            vectors=matrix_to_proto(request.vectors),
            history=convert.history_to_proto(request.history),
            candidates=convert.candidates_to_proto(request.candidates),
            request_time_ms=request.time_ms,
            explain=explain,
        )
        response = await self._call(self._stub.Explain(message, timeout=deadline.remaining))
        self._require_count("explanations", len(response.explanations), len(explain))
        return [explanation_from_proto(each) for each in response.explanations]

    def _require_count(self, what: str, got: int, wanted: int) -> None:
        if got != wanted:
            raise Unavailable(self._name, f"{self._name} answered {got} {what} instead of {wanted}", reason="INTERNAL")


async def close_all(channels: Sequence[grpc.aio.Channel]) -> None:
    await asyncio.gather(*(channel.close() for channel in channels))
