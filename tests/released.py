"""Callers of a released contract: messages made from its descriptor set alone, none of today's generated code."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

RELEASED = sorted((Path(__file__).parent.parent / "protos" / "released").glob("*.binpb"))


@dataclass(frozen=True)
class Contract:
    """What one release said."""

    files: descriptor_pb2.FileDescriptorSet
    pool: descriptor_pool.DescriptorPool

    @classmethod
    def read(cls, path: Path) -> "Contract":
        files = descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes())
        pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            pool.Add(file)
        return cls(files, pool)

    def methods(self) -> Iterator[str]:
        """Full names, such as modalmesh.v1.Recommender.Rank."""
        for file in self.files.file:
            for service in file.service:
                for method in service.method:
                    yield f"{file.package}.{service.name}.{method.name}"

    def method(self, name: str) -> MethodDescriptor:
        service, _, method = name.rpartition(".")
        found: MethodDescriptor = self.pool.FindServiceByName(service).methods_by_name[method]
        return found

    def request(self, name: str, **fields: Any) -> Message:
        """The request of a method, its fields as in JSON: bytes are base64."""
        return json_format.ParseDict(fields, message_factory.GetMessageClass(self.method(name).input_type)())


class ReleasedCaller:
    """Calls by path, as any language's stub does."""

    def __init__(self, contract: Contract, channel: grpc.aio.Channel) -> None:
        self._contract, self._channel = contract, channel

    async def call(self, name: str, **fields: Any) -> dict[str, Any]:
        """The answer as JSON; that of a response stream is its first."""
        return await self.send(name, self._contract.request(name, **fields))

    async def send(self, name: str, request: Message) -> dict[str, Any]:
        method = self._contract.method(name)
        response = message_factory.GetMessageClass(method.output_type)
        kind = f"{_kind(method.client_streaming)}_{_kind(method.server_streaming)}"
        ask = getattr(self._channel, kind)(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=response.SerializeToString,
            response_deserializer=response.FromString,
        )
        call = ask(_once(request) if method.client_streaming else request, timeout=20)
        answer = await (anext(aiter(call)) if method.server_streaming else call)
        return json_format.MessageToDict(answer, always_print_fields_with_no_presence=True)


def _kind(streaming: bool) -> str:
    return "stream" if streaming else "unary"


def _once(request: Message) -> Iterable[Message]:
    return iter([request])
