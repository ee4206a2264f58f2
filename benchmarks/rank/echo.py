"""`python -m benchmarks.rank.echo PORT BYTES`: answers Rank with so many zero bytes, whatever comes: a raw hop."""

import asyncio
import sys
from typing import Any

import grpc

Context = grpc.aio.ServicerContext[Any, Any]

_OPTIONS = (("grpc.max_receive_message_length", 1 << 28), ("grpc.max_send_message_length", 1 << 28))


async def serve(port: int, size: int) -> None:
    answer = bytes(size)

    async def rank(request: bytes, context: Context) -> bytes:
        return answer

    server = grpc.aio.server(options=_OPTIONS)
    methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {"Rank": grpc.unary_unary_rpc_method_handler(rank)}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("modalmesh.v1.FusionRanker", methods)])
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
