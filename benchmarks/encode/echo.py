"""`python -m benchmarks.encode.echo PORT`: answers either encoder's calls of one input with zeros, which
shows what the client can do.
"""

import asyncio
import sys
from typing import Any

import grpc

from modalmesh.v1.text_encoder_service_pb2 import TextEncoderEncodeResponse
from modalmesh.v1.types_pb2 import DATA_TYPE_F32, EmbeddingMatrix

_DIMS = {"modalmesh.v1.TextEncoder": 384, "modalmesh.v1.ImageEncoder": 1280}
Context = grpc.aio.ServicerContext[Any, Any]


def _zeros(dim: int) -> bytes:
    """An answer of either encoder; both have the matrix in the same place."""
    matrix = EmbeddingMatrix(rows=1, dim=dim, dtype=DATA_TYPE_F32, data=bytes(dim * 4))
    return TextEncoderEncodeResponse(embeddings=matrix).SerializeToString()


def _handler(service: str, answer: bytes) -> grpc.GenericRpcHandler:
    async def encode(request: bytes, context: Context) -> bytes:
        return answer

    return grpc.method_handlers_generic_handler(service, {"Encode": grpc.unary_unary_rpc_method_handler(encode)})


async def serve(port: int) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([_handler(service, _zeros(dim)) for service, dim in _DIMS.items()])
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
