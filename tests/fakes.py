"""Encoders without weights, at the transport: real gRPC servers whose vectors come from the words of their input.

Two inputs that share words are close. A "picture" is the UTF-8 of a few words; `broken` in it makes it invalid.
"""

import asyncio
import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from modalmesh.convert_matrices import matrix_to_proto
from modalmesh.embeddings import Embeddings, FloatMatrix, ModelId
from modalmesh.v1 import image_encoder_service_pb2 as image_pb
from modalmesh.v1 import text_encoder_service_pb2 as text_pb
from modalmesh.v1 import types_pb2 as pb
from modalmesh.v1.image_encoder_service_pb2_grpc import ImageEncoderServicer, add_ImageEncoderServicer_to_server
from modalmesh.v1.text_encoder_service_pb2_grpc import TextEncoderServicer, add_TextEncoderServicer_to_server
from modalmesh_services.common.configuration.settings import ServerSettings
from modalmesh_services.common.server import MeshServer

TEXT_DIM = 24
IMAGE_DIM = 16
_FRAMES = 3


def word_parts(text: str, dim: int, salt: str) -> FloatMatrix:
    """(W, D): one random direction a word."""
    parts = []
    for word in text.lower().split():
        seed = int.from_bytes(hashlib.sha256(f"{salt}{word}".encode()).digest()[:4], "little")
        parts.append(np.random.default_rng(seed).normal(size=dim))
    return np.array(parts, dtype=np.float32).reshape(-1, dim)


def word_vector(text: str, dim: int, salt: str) -> FloatMatrix:
    """(D,) of length 1: the sum of its parts."""
    total: FloatMatrix = word_parts(text, dim, salt).sum(axis=0)
    # Of a text without words, so that it has a vector too.
    if not total.any():
        total = np.full(dim, 1e-3, dtype=np.float32)
    return total / np.float32(np.linalg.norm(total))


def characters(text: str) -> list[pb.Part]:
    """Where each word of a text is."""
    return [pb.Part(start=found.start(), end=found.end()) for found in re.finditer(r"\S+", text)]


def columns(text: str) -> list[pb.Part]:
    """The words of a "picture" stand side by side, in columns of equal width."""
    count = len(text.split())
    return [pb.Part(left=place / count, right=(place + 1) / count, bottom=1.0) for place in range(count)]


def visible(shown: image_pb.VisualInput) -> str:
    """The words of a "picture" or "video" without those whose column's middle lies in a hidden box."""
    words = (shown.video or shown.image).decode().split()
    middles = [(place + 0.5) / len(words) for place in range(len(words))]
    gone = {place for box in shown.hidden for place, middle in enumerate(middles) if box.left < middle < box.right}
    return " ".join(word for place, word in enumerate(words) if place not in gone)


class FakeEncoder:
    """What both fakes share: a model that can be replaced, a count of what was encoded, and delays."""

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.fingerprint = "first"
        self.encoded: list[str] = []
        self.delay_seconds = 0.0

    def model(self) -> pb.ModelInfo:
        return pb.ModelInfo(name="fake", fingerprint=self.fingerprint, build="numpy", dim=self.dim)

    async def answer(
        self, words: Sequence[str], rows: Sequence[int], places: Callable[[str], list[pb.Part]] | None = None
    ) -> tuple[pb.EmbeddingMatrix, list[pb.InputResult]]:
        """One matrix for `words`, each taking `rows` rows; broken ones take none.

        `places`: parts are asked for, which are there. What was `encoded` is pooled only.
        """
        await asyncio.sleep(self.delay_seconds)
        if places:
            return self._parts(words, places)
        self.encoded.extend(words)
        values, results, row = [], [], 0
        for text, count in zip(words, rows, strict=True):
            if "broken" in text:
                results.append(pb.InputResult(state=pb.INPUT_STATE_INVALID, reason="can't be decoded"))
                continue
            values.extend([word_vector(text, self.dim, self.fingerprint)] * count)
            state = pb.INPUT_STATE_TRUNCATED if len(text) > 1000 else pb.INPUT_STATE_OK
            results.append(pb.InputResult(state=state, first_row=row, row_count=count))
            row += count
        matrix = np.stack(values) if values else np.zeros((0, self.dim), dtype=np.float32)
        return matrix_to_proto(Embeddings(matrix, ModelId("fake", self.fingerprint))), results

    def _parts(
        self, words: Sequence[str], places: Callable[[str], list[pb.Part]]
    ) -> tuple[pb.EmbeddingMatrix, list[pb.InputResult]]:
        values = [word_parts(text, self.dim, self.fingerprint) for text in words]
        results, row = [], 0
        for text, vectors in zip(words, values, strict=True):
            results.append(
                pb.InputResult(state=pb.INPUT_STATE_OK, first_row=row, row_count=len(vectors), parts=places(text))
            )
            row += len(vectors)
        return matrix_to_proto(Embeddings(np.concatenate(values), ModelId("fake", self.fingerprint))), results

    def EncodeStream(self, request_iterator: Any, context: Any) -> Any:
        raise NotImplementedError("the gateway asks for whole batches")


class FakeTextEncoder(FakeEncoder, TextEncoderServicer):
    def __init__(self) -> None:
        super().__init__(TEXT_DIM)

    async def GetModel(self, request: Any, context: Any) -> text_pb.TextEncoderGetModelResponse:
        return text_pb.TextEncoderGetModelResponse(model=self.model())

    async def Encode(
        self, request: text_pb.TextEncoderEncodeRequest, context: Any
    ) -> text_pb.TextEncoderEncodeResponse:
        places = characters if request.granularity == pb.GRANULARITY_PARTS else None
        matrix, results = await self.answer(list(request.texts), [1] * len(request.texts), places)
        return text_pb.TextEncoderEncodeResponse(embeddings=matrix, results=results)


class FakeImageEncoder(FakeEncoder, ImageEncoderServicer):
    def __init__(self) -> None:
        super().__init__(IMAGE_DIM)

    async def GetModel(self, request: Any, context: Any) -> image_pb.ImageEncoderGetModelResponse:
        return image_pb.ImageEncoderGetModelResponse(model=self.model())

    async def Encode(
        self, request: image_pb.ImageEncoderEncodeRequest, context: Any
    ) -> image_pb.ImageEncoderEncodeResponse:
        words = [visible(each) for each in request.inputs]
        rows = [_FRAMES if each.video else 1 for each in request.inputs]
        places = columns if request.granularity == pb.GRANULARITY_PARTS else None
        matrix, results = await self.answer(words, rows, places)
        return image_pb.ImageEncoderEncodeResponse(embeddings=matrix, results=results)


async def serve_text_encoder(servicer: TextEncoderServicer, port: int = 0, **settings: Any) -> MeshServer:
    server = MeshServer(ServerSettings(port=port, grace_seconds=0, **settings), ["modalmesh.v1.TextEncoder"])
    add_TextEncoderServicer_to_server(servicer, server.grpc)
    await server.start()
    await server.set_serving(True)
    return server


async def serve_image_encoder(servicer: ImageEncoderServicer, port: int = 0, **settings: Any) -> MeshServer:
    server = MeshServer(ServerSettings(port=port, grace_seconds=0, **settings), ["modalmesh.v1.ImageEncoder"])
    add_ImageEncoderServicer_to_server(servicer, server.grpc)
    await server.start()
    await server.set_serving(True)
    return server
