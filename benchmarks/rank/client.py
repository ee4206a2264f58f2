"""The client process: it sends Rank's bytes and takes the answer's, and does nothing else."""

import time
from collections.abc import Sequence

import grpc

from benchmarks.hop import OPTIONS
from benchmarks.workers import OwnProcess

_METHOD = "/modalmesh.v1.FusionRanker/Rank"
_CALL_SECONDS = 30.0


class Client(OwnProcess):
    """Calls servers from a process of its own."""

    def answer(self, address: str, request: bytes) -> bytes | None:
        """What one call is answered with; None if it fails, as it does while a server starts."""
        return self._ask(_answer, address, request)

    def seconds(self, address: str, requests: Sequence[bytes]) -> list[float]:
        """What each call takes, one after the other; connecting isn't among it."""
        return self._ask(_seconds, address, requests)


def _answer(address: str, request: bytes) -> bytes | None:
    with grpc.insecure_channel(address, options=OPTIONS) as channel:
        try:
            return _call(channel)(request, timeout=_CALL_SECONDS)
        except grpc.RpcError:
            return None


def _seconds(address: str, requests: Sequence[bytes]) -> list[float]:
    with grpc.insecure_channel(address, options=OPTIONS) as channel:
        call = _call(channel)
        call(requests[0], timeout=_CALL_SECONDS)
        spent = []
        for request in requests:
            started = time.perf_counter()
            call(request, timeout=_CALL_SECONDS)
            spent.append(time.perf_counter() - started)
    return spent


def _call(channel: grpc.Channel) -> "grpc.UnaryUnaryMultiCallable[bytes, bytes]":
    return channel.unary_unary(_METHOD, request_serializer=bytes, response_deserializer=bytes)
