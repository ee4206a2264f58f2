"""`python litserve_server.py PORT KIND MODEL PRECISION WORKERS`, in the peers' environment: LitServe, batching."""

import base64
import sys
from typing import Any

from litserve import LitAPI, LitServer  # type: ignore[import-not-found] # only in the peers' environment
from models import load  # type: ignore[import-not-found] # lies beside this file, which is run as a script

_BATCH = 32
_WAIT_SECONDS = 0.01
_LIMIT_SECONDS = 120


class Encoder(LitAPI):  # type: ignore[misc] # untyped here
    def setup(self, device: str) -> None:
        _, _, kind, model, precision, _ = sys.argv
        self._model = load(kind, model, precision)

    def decode_request(self, request: dict[str, str]) -> bytes:
        return base64.b64decode(request["input"])

    def batch(self, inputs: list[bytes]) -> list[bytes]:
        return inputs

    def predict(self, batch: list[bytes]) -> list[bytes]:
        return [row.tobytes() for row in self._model(batch)]

    def unbatch(self, output: list[bytes]) -> list[bytes]:
        return output

    def encode_response(self, output: bytes) -> dict[str, Any]:
        return {"vector": base64.b64encode(output).decode()}


if __name__ == "__main__":
    _, port, _, _, _, workers = sys.argv
    api = Encoder(max_batch_size=_BATCH, batch_timeout=_WAIT_SECONDS)
    server = LitServer(api, accelerator="cpu", workers_per_device=int(workers), timeout=_LIMIT_SECONDS)
    server.run(host="127.0.0.1", port=int(port), log_level="warning", generate_client_file=False)
