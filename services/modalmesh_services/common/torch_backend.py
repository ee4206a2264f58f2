"""The device step by torch: for GPUs, and for what no other backend converts."""

import copy

import torch
from torch import Tensor, nn

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.common.device import Placement, torch_dtype
from modalmesh_services.common.step import Arrays


class Network(nn.Module):
    """From an encoder's prepared inputs to the pooled vectors (B, D) and those before pooling (B, ..., D).

    `entry` runs in float32 whatever the precision, `body` in the precision asked for. Both give float32.
    """

    def __init__(self, body: nn.Module, entry: nn.Module | None = None, examples: tuple[Tensor, ...] = ()) -> None:
        super().__init__()
        self.entry = entry
        self.body = body
        self.examples = examples
        """Inputs of the right dtypes, by which the network is traced."""

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        inputs = (self.entry(*inputs),) if self.entry is not None else inputs
        pooled, parts = self.body(*inputs)
        return pooled, parts


class TorchStep:
    def __init__(self, network: Network, placement: Placement) -> None:
        if placement.device.type == "cpu":
            torch.set_num_threads(1)
        # A copy, because the network may yet be tried in another precision.
        self._network = copy.deepcopy(network).eval().to(str(placement.device))
        self._network.body.to(torch_dtype(placement))
        # Convolutions on this layout are twice as fast on a CPU.
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # the stubs forget it
        self._device = torch.device(str(placement.device))

    @torch.inference_mode()
    def __call__(self, inputs: Arrays, parts: bool) -> tuple[FloatMatrix, FloatMatrix | None]:
        tensors = [torch.from_numpy(array).to(self._device) for array in inputs]
        pooled, cells = self._network(*tensors)
        return pooled.cpu().numpy(), cells.cpu().numpy() if parts else None
