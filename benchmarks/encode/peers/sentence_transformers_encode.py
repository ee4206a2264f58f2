"""`python sentence_transformers_encode.py MODEL PRECISION THREADS`, in the peers' environment: a JSON list of texts a
line in, the seconds of their encode out, in the batch size that was the fastest for the first long enough list.
"""

import json
import sys
import time

import torch
from sentence_transformers import SentenceTransformer  # type: ignore[import-not-found] # only in the peers' environment

_BATCHES = (8, 16, 32)
_ENOUGH = 64


def main(model: str, precision: str, threads: int) -> None:
    torch.set_num_threads(threads)
    dtype = {"bf16": torch.bfloat16, "fp32": torch.float32}[precision]
    encoder = SentenceTransformer(model, device="cpu", model_kwargs={"torch_dtype": dtype})

    def encode(texts: list[str], batch: int) -> float:
        started = time.perf_counter()
        encoder.encode(texts, batch_size=batch, show_progress_bar=False, convert_to_tensor=True)
        return time.perf_counter() - started

    best = 0
    for line in sys.stdin:
        texts = json.loads(line)
        if not best and len(texts) >= _ENOUGH:
            best = min(_BATCHES, key=lambda batch: encode(texts, batch))
        sys.stdout.write(f"{encode(texts, best or _BATCHES[-1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
