"""A raw hop over gRPC: bytes there, bytes back, and nothing made of either."""

from collections.abc import Mapping
from typing import Any

import grpc

OPTIONS = (
    ("grpc.max_receive_message_length", 1 << 28),
    ("grpc.max_send_message_length", 1 << 28),
    ("grpc.enable_http_proxy", 0),
)
"""Of servers and channels: a benchmark's messages may be large, and go over loopback."""

Context = grpc.aio.ServicerContext[Any, Any]


def answer(address: str, method: str, request: bytes, seconds: float) -> bytes | None:
    """Of a call of at most so many seconds; `method` is the full name. None where it fails, as it does while a server
    starts.
    """
    with grpc.insecure_channel(address, options=OPTIONS) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method, bytes, bytes)
        try:
            return call(request, timeout=seconds)
        except grpc.RpcError:
            return None


async def serve(port: int, method: str, answers: Mapping[str, bytes]) -> None:
    """Answer this method of services by name, whatever comes, until the process ends."""
    server = grpc.aio.server(options=OPTIONS)
    server.add_generic_rpc_handlers([_handler(service, method, answer) for service, answer in answers.items()])
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


def _handler(service: str, method: str, answer: bytes) -> grpc.GenericRpcHandler:
    async def answering(request: bytes, context: Context) -> bytes:
        return answer

    return grpc.method_handlers_generic_handler(service, {method: grpc.unary_unary_rpc_method_handler(answering)})
