"""The device step by torch: for GPUs, and for what no other backend converts."""

import copy
import logging
import warnings
from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.common.backends.device import Placement, torch_dtype
from modalmesh_services.common.backends.step import Arrays

logger = logging.getLogger(__name__)

Run: TypeAlias = Callable[..., tuple[Tensor, Tensor]]


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
    """`runs_once`: making a graph of the network would take longer than that gains."""

    def __init__(self, network: Network, placement: Placement, *, runs_once: bool = False) -> None:
        if placement.device.type == "cpu":
            torch.set_num_threads(1)
        # A copy, because the network may yet be tried in another precision.
        self._network = copy.deepcopy(network).eval().to(str(placement.device))
        self._network.body.to(torch_dtype(placement))
        # Convolutions on this layout are twice as fast on a CPU.
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # the stubs forget it
        self._device = torch.device(str(placement.device))
        self._run: Run = self._network
        if placement.device.type == "cpu" and network.examples and not runs_once:
            self._run = _without_interpreter(self._network, network.examples)

    # Not inference_mode, in which a frozen network has none of its fused operations.
    @torch.no_grad()
    def __call__(self, inputs: Arrays, parts: bool) -> tuple[FloatMatrix, FloatMatrix | None]:
        tensors = [torch.from_numpy(array).to(self._device) for array in inputs]
        pooled, cells = self._run(*tensors)
        return pooled.cpu().numpy(), cells.cpu().numpy() if parts else None


@torch.no_grad()
def _without_interpreter(network: Network, examples: Sequence[Tensor]) -> Run:
    """The network as a graph that holds the interpreter's lock once a batch, not once an operation: with several
    threads a third faster. What a graph can't say of a network, or says wrong for other sizes, stays as it is.
    """
    larger = [_larger(example) for example in examples]
    try:
        with warnings.catch_warnings():
            # A tracer's, of what it takes for constant: that is what the comparison is for.
            warnings.simplefilter("ignore")
            traced: Run = torch.jit.freeze(
                torch.jit.trace(network, tuple(examples), check_trace=False)  # type: ignore[no-untyped-call]
            )
        for graph, eager in zip(traced(*larger), network(*larger), strict=True):
            torch.testing.assert_close(graph, eager, rtol=1e-2, atol=1e-2)
    except Exception as error:  # noqa: BLE001 - a tracer raises whatever it likes
        logger.info("runs operation by operation: %s", error)
        return network
    return traced


def _larger(example: Tensor) -> Tensor:
    """Twice as many; token ids twice as long, too."""
    doubled = torch.cat([example, example])
    return torch.cat([doubled, doubled], dim=1) if example.dim() == 2 and not example.is_floating_point() else doubled
