"""FusionRanker's methods: decode, await the core, encode."""

import asyncio
from typing import Any

import grpc

from modalmesh.v1 import fusion_ranker_service_pb2 as messages
from modalmesh.v1.fusion_ranker_service_pb2_grpc import FusionRankerServicer as Base
from modalmesh_services.common.interceptors import deadline_of
from modalmesh_services.fusion_ranker import convert
from modalmesh_services.fusion_ranker.core import RankerCore

SERVICE_NAME = "modalmesh.v1.FusionRanker"
Context = grpc.aio.ServicerContext[Any, Any]


class FusionRankerServicer(Base):
    def __init__(self, core: RankerCore) -> None:
        self._core = core

    async def Fuse(
        self, request: messages.FusionRankerFuseRequest, context: Context
    ) -> messages.FusionRankerFuseResponse:
        vectors = await self._core.fuse(convert.fuse_request(request, self._core.limits), deadline_of(context))
        return convert.fuse_response(vectors)

    async def EncodeUser(
        self, request: messages.FusionRankerEncodeUserRequest, context: Context
    ) -> messages.FusionRankerEncodeUserResponse:
        queries = await self._core.encode_user(convert.user_request(request, self._core.limits), deadline_of(context))
        return convert.user_response(queries)

    async def Propose(
        self, request: messages.FusionRankerProposeRequest, context: Context
    ) -> messages.FusionRankerProposeResponse:
        proposed = await self._core.propose(convert.propose_request(request, self._core.limits), deadline_of(context))
        return convert.propose_response(proposed, self._core.description.revision)

    async def Rank(
        self, request: messages.FusionRankerRankRequest, context: Context
    ) -> messages.FusionRankerRankResponse:
        probabilities = await self._core.rank(convert.rank_request(request, self._core.limits), deadline_of(context))
        return convert.rank_response(probabilities, self._core.description.revision)

    async def Explain(
        self, request: messages.FusionRankerExplainRequest, context: Context
    ) -> messages.FusionRankerExplainResponse:
        explanations = await self._core.explain(
            convert.explain_request(request, self._core.limits), deadline_of(context)
        )
        # Many explanations of long histories take a second: health checks are answered meanwhile.
        return await asyncio.to_thread(convert.explain_response, explanations, self._core.description.revision)

    async def GetModel(
        self, request: messages.FusionRankerGetModelRequest, context: Context
    ) -> messages.FusionRankerGetModelResponse:
        return convert.model_response(self._core.info())
