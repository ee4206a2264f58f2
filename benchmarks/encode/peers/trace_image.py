"""`python -m benchmarks.encode.peers.trace_image PRECISION FILE`: the packaged image network as TorchScript, as our own
torch backend runs it, for servers without modalmesh: (B, H, W, 3) uint8 in, vectors (B, D) float32 of length 1 first
out.
"""

import sys

import torch

from modalmesh_services.image_encoder.networks.network import around
from modalmesh_services.image_encoder.sources import PACKAGED, find_source


def main(precision: str, path: str) -> None:
    source = find_source(PACKAGED)
    network = around(source.backbone, source.preprocess).eval()
    network.body.to({"bf16": torch.bfloat16, "fp32": torch.float32}[precision])
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # the stubs forget it
    with torch.inference_mode():
        traced = torch.jit.trace(network, network.examples)  # type: ignore[no-untyped-call]
    traced.save(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
