"""The client process: it sends Rank's bytes and takes the answer's, and does nothing else."""

import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType
from typing import Self

import grpc

_METHOD = "/modalmesh.v1.FusionRanker/Rank"
_OPTIONS = (
    ("grpc.max_receive_message_length", 1 << 28),
    ("grpc.max_send_message_length", 1 << 28),
    ("grpc.enable_http_proxy", 0),
)
_CALL_SECONDS = 30.0


class Client:
    """Calls servers from a process of its own."""

    def __init__(self) -> None:
        # No fork: this process may have used gRPC.
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        self.pid = self._pool.submit(os.getpid).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def answer(self, address: str, request: bytes) -> bytes | None:
        """What one call is answered with; None if it fails, as it does while a server starts."""
        return self._pool.submit(_answer, address, request).result()

    def seconds(self, address: str, requests: Sequence[bytes]) -> list[float]:
        """What each call takes, one after the other; connecting isn't among it."""
        return self._pool.submit(_seconds, address, requests).result()


def _answer(address: str, request: bytes) -> bytes | None:
    with grpc.insecure_channel(address, options=_OPTIONS) as channel:
        try:
            return _call(channel)(request, timeout=_CALL_SECONDS)
        except grpc.RpcError:
            return None


def _seconds(address: str, requests: Sequence[bytes]) -> list[float]:
    with grpc.insecure_channel(address, options=_OPTIONS) as channel:
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
