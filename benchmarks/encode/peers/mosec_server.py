"""`python mosec_server.py PORT KIND MODEL PRECISION WORKERS`, in the peers' environment: mosec, batching."""

import sys

from models import load  # type: ignore[import-not-found] # lies beside this file, which is run as a script
from mosec import Server, Worker  # type: ignore[import-not-found] # only in the peers' environment

_BATCH = 32
_WAIT_MS = 10
_LIMIT_MS = 120_000


class Encoder(Worker):  # type: ignore[misc] # untyped here
    def __init__(self) -> None:
        _, _, kind, model, precision, _ = sys.argv
        self._model = load(kind, model, precision)

    def deserialize(self, data: bytes) -> bytes:
        return data

    def serialize(self, data: bytes) -> bytes:
        return data

    def forward(self, data: list[bytes]) -> list[bytes]:
        return [row.tobytes() for row in self._model(data)]


if __name__ == "__main__":
    _, port, _, _, _, workers = sys.argv
    # Its own options are read from the command line, where ours are.
    arguments, sys.argv = sys.argv, [sys.argv[0], "--port", port, "--address", "127.0.0.1", "--timeout", str(_LIMIT_MS)]
    server = Server()
    sys.argv = arguments
    server.append_worker(Encoder, num=int(workers), max_batch_size=_BATCH, max_wait_time=_WAIT_MS)
    server.run()
