"""The other services, reached by their contract: ports over grpc.aio."""

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import TypeVar

import grpc
import numpy as np
import numpy.typing as npt

from modalmesh.channels import open_aio_channel
from modalmesh.convert import model_from_proto
from modalmesh.convert_matrices import matrix_to_proto
from modalmesh.embeddings import Embeddings
from modalmesh.tls import Tls
from modalmesh.types import Explanation, ModelInfo
from modalmesh.v1 import fusion_ranker_service_pb2 as ranker
from modalmesh.v1 import image_encoder_service_pb2 as image_encoder
from modalmesh.v1 import text_encoder_service_pb2 as text_encoder
from modalmesh.v1.fusion_ranker_service_pb2_grpc import FusionRankerStub
from modalmesh.v1.image_encoder_service_pb2_grpc import ImageEncoderStub
from modalmesh.v1.text_encoder_service_pb2_grpc import TextEncoderStub
from modalmesh_gateway import convert
from modalmesh_gateway.hop import GrpcPart
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
                    # CANCELLED: a server that stops so answers what it has received and not begun.
                    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
                },
            }
        ],
        # These tries are for a replica that leaves beside others. Where all are away they end, after some 50 failures
        # more than a tenth of what succeeds: clients try again by themselves, and both would multiply.
        "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
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
            # How long an address may be silent, such as that of a machine that is gone, before another try; gRPC's own
            # 20 s would be most of a caller's time.
            ("grpc.min_reconnect_backoff_ms", 3000),
            # A replica that hangs keeps its connection, and would keep its turn: one that answers no ping loses both.
            ("grpc.keepalive_time_ms", 10_000),
            ("grpc.http2.ping_timeout_ms", 5_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_pings_without_data", 0),
            # Of replicas that are replaced within seconds, the new ones are found as soon.
            ("grpc.dns_min_time_between_resolutions_ms", 1000),
            ("grpc.enable_http_proxy", 0),
        ],
    )


class GrpcTextEncoder(GrpcPart):
    """The text-encoder as an Encoder of str."""

    def __init__(self, address: str, channel: grpc.aio.Channel) -> None:
        super().__init__("text-encoder", address, "modalmesh.v1.TextEncoder", TextEncoderStub(channel))

    async def model(self, deadline: Deadline) -> ModelInfo:
        return await self._ask(
            "GetModel",
            text_encoder.TextEncoderGetModelRequest(),
            deadline,
            lambda response: model_from_proto(response.model),
        )

    async def encode(self, inputs: Sequence[str], deadline: Deadline) -> EncodedBatch:
        return await self._encode(inputs, deadline, parts=False)

    async def parts(self, inputs: Sequence[str], deadline: Deadline) -> EncodedBatch:
        return await self._encode(inputs, deadline, parts=True)

    async def _encode(self, inputs: Sequence[str], deadline: Deadline, *, parts: bool) -> EncodedBatch:
        request = convert.text_request(inputs, parts=parts)
        return await self._ask(
            "Encode", request, deadline, lambda response: convert.encoded_from_proto(response, len(inputs), parts=parts)
        )


class GrpcImageEncoder(GrpcPart):
    """The image-encoder as an Encoder of Visual."""

    def __init__(self, address: str, channel: grpc.aio.Channel) -> None:
        super().__init__("image-encoder", address, "modalmesh.v1.ImageEncoder", ImageEncoderStub(channel))

    async def model(self, deadline: Deadline) -> ModelInfo:
        return await self._ask(
            "GetModel",
            image_encoder.ImageEncoderGetModelRequest(),
            deadline,
            lambda response: model_from_proto(response.model),
        )

    async def encode(self, inputs: Sequence[Visual], deadline: Deadline) -> EncodedBatch:
        return await self._encode(inputs, deadline, parts=False)

    async def parts(self, inputs: Sequence[Visual], deadline: Deadline) -> EncodedBatch:
        return await self._encode(inputs, deadline, parts=True)

    async def _encode(self, inputs: Sequence[Visual], deadline: Deadline, *, parts: bool) -> EncodedBatch:
        request = convert.image_request(inputs, parts=parts)
        return await self._ask(
            "Encode", request, deadline, lambda response: convert.encoded_from_proto(response, len(inputs), parts=parts)
        )


class GrpcRanker(GrpcPart):
    """The fusion-ranker as a Ranker."""

    def __init__(self, address: str, channel: grpc.aio.Channel) -> None:
        super().__init__("fusion-ranker", address, "modalmesh.v1.FusionRanker", FusionRankerStub(channel))

    async def model(self, deadline: Deadline) -> ModelInfo:
        return await self._ask(
            "GetModel",
            ranker.FusionRankerGetModelRequest(),
            deadline,
            lambda response: model_from_proto(response.model),
        )

    async def fuse(self, inputs: Sequence[FuseInput], deadline: Deadline) -> Embeddings:
        request = convert.fuse_request(inputs)
        return await self._ask(
            "Fuse", request, deadline, lambda response: convert.fused_from_proto(response, len(inputs))
        )

    async def encode_user(self, request: RankInput, deadline: Deadline) -> UserQueries:
        message = ranker.FusionRankerEncodeUserRequest(
            vectors=matrix_to_proto(request.vectors),
            history=convert.history_to_proto(request.history),
            request_time_ms=request.time_ms,
        )
        model, dim = request.vectors.model, request.vectors.dim
        return await self._ask(
            "EncodeUser", message, deadline, lambda response: convert.queries_from_proto(response, model, dim)
        )

    async def propose(self, request: RankInput, limit: int, deadline: Deadline) -> Sequence[str]:
        message = ranker.FusionRankerProposeRequest(
            history=convert.history_to_proto(request.history), limit=limit, request_time_ms=request.time_ms
        )
        return await self._ask("Propose", message, deadline, lambda response: [item.item_id for item in response.items])

    async def rank(self, request: RankInput, deadline: Deadline) -> npt.NDArray[np.float32]:
        message = ranker.FusionRankerRankRequest(
            vectors=matrix_to_proto(request.vectors),
            history=convert.history_to_proto(request.history),
            candidates=convert.candidates_to_proto(request.candidates),
            request_time_ms=request.time_ms,
        )
        candidates = len(request.candidates)
        return await self._ask(
            "Rank", message, deadline, lambda response: convert.probabilities_from_proto(response, candidates)
        )

    async def explain(self, request: RankInput, explain: Sequence[int], deadline: Deadline) -> Sequence[Explanation]:
        message = ranker.FusionRankerExplainRequest(
            vectors=matrix_to_proto(request.vectors),
            history=convert.history_to_proto(request.history),
            candidates=convert.candidates_to_proto(request.candidates),
            request_time_ms=request.time_ms,
            explain=explain,
        )
        return await self._ask(
            "Explain", message, deadline, lambda response: convert.explanations_from_proto(response, len(explain))
        )


async def close_all(channels: Sequence[grpc.aio.Channel]) -> None:
    await asyncio.gather(*(channel.close() for channel in channels))
