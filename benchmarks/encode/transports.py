"""What the servers under test speak: modalmesh's gRPC, and HTTP for the others."""

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Protocol, Self, TypeAlias

import grpc
import numpy as np

from benchmarks.encode.load import Inputs, Refused
from benchmarks.hop import OPTIONS
from modalmesh.embeddings import FloatMatrix
from modalmesh.v1.image_encoder_service_pb2 import ImageEncoderEncodeRequest, ImageEncoderEncodeResponse, VisualInput
from modalmesh.v1.text_encoder_service_pb2 import TextEncoderEncodeRequest, TextEncoderEncodeResponse

Speaks: TypeAlias = Literal["text", "image", "bytes", "json", "openai"]
"""The two contracts; over HTTP bytes there and float32 numbers back, the same in JSON, and OpenAI's embeddings."""

_BUSY = {429, 503}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server is, and what it speaks. `path` is for HTTP."""

    speaks: Speaks
    host: str
    port: int
    path: str = ""


class Transport(Protocol):
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
    async def encode(self, inputs: Inputs, timeout: float | None = None) -> FloatMatrix: ...


def transport(target: Target) -> Transport:
    return Grpc(target) if target.speaks in ("text", "image") else Http(target)


class Grpc:
    """One channel to one of our encoders."""

    def __init__(self, target: Target) -> None:
        self._channel = grpc.aio.insecure_channel(f"{target.host}:{target.port}", options=OPTIONS)
        # What the generated stubs do, with types.
        name, request, response = _METHODS[target.speaks]
        self._method = self._channel.unary_unary(name, request.SerializeToString, response.FromString)
        self._request = _text_request if target.speaks == "text" else _image_request

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._channel.close()

    async def encode(self, inputs: Inputs, timeout: float | None = None) -> FloatMatrix:
        """As load.Encode."""
        try:
            answer = await self._method(self._request(inputs), timeout=timeout)
        except grpc.aio.AioRpcError as error:
            match error.code():
                case grpc.StatusCode.RESOURCE_EXHAUSTED:
                    raise Refused(error.details()) from None
                case grpc.StatusCode.DEADLINE_EXCEEDED:
                    raise TimeoutError from None
                case _:
                    raise
        return _rows(answer.embeddings.data, len(inputs))


def _text_request(inputs: Sequence[str]) -> TextEncoderEncodeRequest:
    return TextEncoderEncodeRequest(texts=inputs)


def _image_request(inputs: Sequence[bytes]) -> ImageEncoderEncodeRequest:
    return ImageEncoderEncodeRequest(inputs=[VisualInput(image=content) for content in inputs])


_METHODS: dict[str, tuple[str, Any, Any]] = {
    "text": ("/modalmesh.v1.TextEncoder/Encode", TextEncoderEncodeRequest, TextEncoderEncodeResponse),
    "image": ("/modalmesh.v1.ImageEncoder/Encode", ImageEncoderEncodeRequest, ImageEncoderEncodeResponse),
}


class Http:
    """Connections that are kept: as many as there are calls at once. The least that HTTP/1.1 needs, so that the
    client's share of the machine is no larger than gRPC's.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for _, writer in self._idle:
            writer.close()

    async def encode(self, inputs: Inputs, timeout: float | None = None) -> FloatMatrix:
        """As load.Encode; `bytes` and `json` take one input."""
        async with asyncio.timeout(timeout):
            match self._target.speaks:
                case "openai":
                    document = {"model": "default", "input": list(inputs), "encoding_format": "base64"}
                    answer = json.loads(await self._post("application/json", json.dumps(document).encode()))
                    data = b"".join(base64.b64decode(one["embedding"]) for one in answer["data"])
                case "json":
                    document = {"input": base64.b64encode(_as_bytes(inputs[0])).decode()}
                    answer = json.loads(await self._post("application/json", json.dumps(document).encode()))
                    data = base64.b64decode(answer["vector"])
                case _:
                    data = await self._post("application/octet-stream", _as_bytes(inputs[0]))
        return _rows(data, len(inputs))

    async def _post(self, kind: str, body: bytes) -> bytes:
        target = self._target
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(target.host, target.port)
        done = False
        try:
            head = (
                f"POST {target.path} HTTP/1.1\r\nHost: {target.host}\r\nContent-Type: {kind}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            status, answer = await _read_answer(reader)
            done = True
        finally:
            # A connection on which an answer is still to come can't be used again.
            if done:
                self._idle.append((reader, writer))
            else:
                writer.close()
        if status in _BUSY:
            raise Refused(str(status))
        if status != 200:
            raise ConnectionError(f"HTTP {status}: {answer[:200].decode(errors='replace')}")
        return answer


def _as_bytes(one: str | bytes) -> bytes:
    return one.encode() if isinstance(one, str) else one


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    lines = head.split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
    return int(lines[0].split(" ", 2)[1]), await reader.readexactly(int(fields["content-length"]))


def _rows(data: bytes, count: int) -> FloatMatrix:
    """(count, D) float32."""
    values = np.frombuffer(data, "<f4").reshape(count, -1)
    if not values.size:
        raise ConnectionError("an answer without a vector")
    return values
