"""`python -m benchmarks.encode.echo PORT`: answers either encoder's calls of one input with zeros, which
shows what the client can do.
"""

import asyncio
import sys

from benchmarks.hop import serve
from modalmesh.v1.text_encoder_service_pb2 import TextEncoderEncodeResponse
from modalmesh.v1.types_pb2 import DATA_TYPE_F32, EmbeddingMatrix

_DIMS = {"modalmesh.v1.TextEncoder": 384, "modalmesh.v1.ImageEncoder": 1280}


def _zeros(dim: int) -> bytes:
    """An answer of either encoder; both have the matrix in the same place."""
    matrix = EmbeddingMatrix(rows=1, dim=dim, dtype=DATA_TYPE_F32, data=bytes(dim * 4))
    return TextEncoderEncodeResponse(embeddings=matrix).SerializeToString()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), "Encode", {service: _zeros(dim) for service, dim in _DIMS.items()}))
