"""What the tests ask of an encoder, and how they compare its vectors."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from typing import TypeVar

import grpc
import numpy as np

from modalmesh.convert_matrices import matrix_from_proto
from modalmesh.embeddings import FloatMatrix
from modalmesh.v1.image_encoder_service_pb2 import ImageEncoderEncodeRequest, ImageEncoderEncodeResponse, VisualInput
from modalmesh.v1.image_encoder_service_pb2_grpc import ImageEncoderStub
from modalmesh.v1.text_encoder_service_pb2 import TextEncoderEncodeRequest, TextEncoderEncodeResponse
from modalmesh.v1.text_encoder_service_pb2_grpc import TextEncoderStub

Answer = TypeVar("Answer")
Response = TextEncoderEncodeResponse | ImageEncoderEncodeResponse

CALLERS = 64
# Long enough for 64 callers on two cores that others use, too: who isn't answered by then is hung.
PATIENCE = 60.0


async def encode_texts(channel: grpc.aio.Channel, texts: Sequence[str]) -> TextEncoderEncodeResponse:
    return await TextEncoderStub(channel).Encode(TextEncoderEncodeRequest(texts=texts), timeout=PATIENCE)


async def encode_visuals(channel: grpc.aio.Channel, inputs: Sequence[VisualInput]) -> ImageEncoderEncodeResponse:
    return await ImageEncoderStub(channel).Encode(ImageEncoderEncodeRequest(inputs=inputs), timeout=PATIENCE)


async def one_by_one(calls: Iterable[Awaitable[Answer]]) -> list[Answer]:
    return [await call for call in calls]


async def at_once(calls: Iterable[Awaitable[Answer]]) -> list[Answer]:
    return list(await asyncio.gather(*calls))


def vectors(response: Response, *positions: int) -> FloatMatrix:
    """The pooled vectors of the inputs at these positions, checked as every door does."""
    values = matrix_from_proto(response.embeddings, field="embeddings").values
    return values[[response.results[position].first_row for position in positions]]


def least_cosine(some: Sequence[FloatMatrix], others: Sequence[FloatMatrix]) -> float:
    """Of vectors of length 1, pair by pair."""
    products: FloatMatrix = (np.concatenate(some) * np.concatenate(others)).sum(axis=1)
    return float(products.min())
