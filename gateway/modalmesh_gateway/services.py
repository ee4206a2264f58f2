"""The other services, reached by their contract: ports over grpc.aio."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import grpc
import numpy as np
import numpy.typing as npt

from modalmesh.channels import open_aio_channel
from modalmesh.convert import model_from_proto
from modalmesh.convert_matrices import matrix_to_proto
from modalmesh.embeddings import Embeddings
from modalmesh.errors import (
    DeadlineExceeded,
    InternalError,
    ModalmeshError,
    Overloaded,
    Unavailable,
)
from modalmesh.status import from_rpc_error
from modalmesh.tls import Tls
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

logger = logging.getLogger(__name__)

Response = TypeVar("Response")
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


def open_channel(address: str, max_message_bytes: int, tls: Tls | None = None) -> grpc.aio.Channel:
    return open_aio_channel(
        address,
        tls,
        [
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

    async def _ask(self, call: Awaitable[Response], read: Callable[[Response], Answer]) -> Answer:
        """Await a stub's call and read its answer.

        Raises:
            Unavailable, Overloaded: with the part's name. Also where it refuses what the gateway asks, or answers what
                can't be: then it and the gateway don't fit, and no input of a caller is to blame.
        """
        try:
            return read(await call)
        except grpc.aio.AioRpcError as error:
            raise self._name_part(from_rpc_error(error)) from error
        except ModalmeshError as error:
            logger.warning("%s gave an answer that can't be used: %s", self._name, error.message)
            raise self._name_part(error) from error

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
                return Unavailable(self._name, f"{self._name}: {error.message}", reason=error.reason)


class GrpcTextEncoder(_GrpcPart):
    """The text-encoder as an Encoder of str."""

    def __init__(self, address: str, channel: grpc.aio.Channel) -> None:
        super().__init__("text-encoder", address)
        self._stub = TextEncoderStub(channel)

    async def model(self, deadline: Deadline) -> ModelInfo:
        call = self._stub.GetModel(text_encoder.TextEncoderGetModelRequest(), timeout=deadline.remaining)
        return await self._ask(call, lambda response: model_from_proto(response.model))

    async def encode(self, inputs: Sequence[str], deadline: Deadline) -> EncodedBatch:
        return await self._encode(inputs, deadline, parts=False)

    async def parts(self, inputs: Sequence[str], deadline: Deadline) -> EncodedBatch:
        return await self._encode(inputs, deadline, parts=True)

    async def _encode(self, inputs: Sequence[str], deadline: Deadline, *, parts: bool) -> EncodedBatch:
        request = convert.text_request(inputs, parts=parts)
        call = self._stub.Encode(request, timeout=deadline.remaining)
        return await self._ask(call, lambda response: convert.encoded_from_proto(response, len(inputs), parts=parts))


class GrpcImageEncoder(_GrpcPart):
    """The image-encoder as an Encoder of Visual."""

    def __init__(self, address: str, channel: grpc.aio.Channel) -> None:
        super().__init__("image-encoder", address)
        self._stub = ImageEncoderStub(channel)

    async def model(self, deadline: Deadline) -> ModelInfo:
        call = self._stub.GetModel(image_encoder.ImageEncoderGetModelRequest(), timeout=deadline.remaining)
        return await self._ask(call, lambda response: model_from_proto(response.model))

    async def encode(self, inputs: Sequence[Visual], deadline: Deadline) -> EncodedBatch:
        return await self._encode(inputs, deadline, parts=False)

    async def parts(self, inputs: Sequence[Visual], deadline: Deadline) -> EncodedBatch:
        return await self._encode(inputs, deadline, parts=True)

    async def _encode(self, inputs: Sequence[Visual], deadline: Deadline, *, parts: bool) -> EncodedBatch:
        request = convert.image_request(inputs, parts=parts)
        call = self._stub.Encode(request, timeout=deadline.remaining)
        return await self._ask(call, lambda response: convert.encoded_from_proto(response, len(inputs), parts=parts))


class GrpcRanker(_GrpcPart):
    """The fusion-ranker as a Ranker."""

    def __init__(self, address: str, channel: grpc.aio.Channel) -> None:
        super().__init__("fusion-ranker", address)
        self._stub = FusionRankerStub(channel)

    async def model(self, deadline: Deadline) -> ModelInfo:
        call = self._stub.GetModel(ranker.FusionRankerGetModelRequest(), timeout=deadline.remaining)
        return await self._ask(call, lambda response: model_from_proto(response.model))

    async def fuse(self, inputs: Sequence[FuseInput], deadline: Deadline) -> Embeddings:
        request = convert.fuse_request(inputs)
        call = self._stub.Fuse(request, timeout=deadline.remaining)
        return await self._ask(call, lambda response: convert.fused_from_proto(response, len(inputs)))

    async def encode_user(self, request: RankInput, deadline: Deadline) -> UserQueries:
        message = ranker.FusionRankerEncodeUserRequest(
            vectors=matrix_to_proto(request.vectors),
            history=convert.history_to_proto(request.history),
            request_time_ms=request.time_ms,
        )
        call = self._stub.EncodeUser(message, timeout=deadline.remaining)
        model, dim = request.vectors.model, request.vectors.dim
        return await self._ask(call, lambda response: convert.queries_from_proto(response, model, dim))

    async def propose(self, request: RankInput, limit: int, deadline: Deadline) -> Sequence[str]:
        message = ranker.FusionRankerProposeRequest(
            history=convert.history_to_proto(request.history), limit=limit, request_time_ms=request.time_ms
        )
        call = self._stub.Propose(message, timeout=deadline.remaining)
        return await self._ask(call, lambda response: [item.item_id for item in response.items])

    async def rank(self, request: RankInput, deadline: Deadline) -> npt.NDArray[np.float32]:
        message = ranker.FusionRankerRankRequest(
            vectors=matrix_to_proto(request.vectors),
            history=convert.history_to_proto(request.history),
            candidates=convert.candidates_to_proto(request.candidates),
            request_time_ms=request.time_ms,
        )
        call = self._stub.Rank(message, timeout=deadline.remaining)
        candidates = len(request.candidates)
        return await self._ask(call, lambda response: convert.probabilities_from_proto(response, candidates))

    async def explain(self, request: RankInput, explain: Sequence[int], deadline: Deadline) -> Sequence[Explanation]:
        message = ranker.FusionRankerExplainRequest(
            vectors=matrix_to_proto(request.vectors),
            history=convert.history_to_proto(request.history),
            candidates=convert.candidates_to_proto(request.candidates),
            request_time_ms=request.time_ms,
            explain=explain,
        )
        call = self._stub.Explain(message, timeout=deadline.remaining)
        return await self._ask(call, lambda response: convert.explanations_from_proto(response, len(explain)))


async def close_all(channels: Sequence[grpc.aio.Channel]) -> None:
    await asyncio.gather(*(channel.close() for channel in channels))
