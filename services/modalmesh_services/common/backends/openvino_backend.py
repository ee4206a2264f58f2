"""The device step by OpenVINO: for CPUs. Knows no torch, unless it converts a network."""

import importlib
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.common.backends.device import Placement
from modalmesh_services.common.backends.step import Arrays

if TYPE_CHECKING:
    from modalmesh_services.common.backends.torch_backend import Network

# OpenVINO keeps what it made for every shape of a batch that it met, half a megabyte each and 5,000 pieces of it by
# default: texts have hundreds of shapes even at few lengths. Making it again takes some 5 % where hardly any comes
# twice.
_KERNELS_KEPT = 128
_TASKS = Path("/proc/self/task")
_COMPUTING_NICER, _NICEST = 5, 19
_PRECISIONS = {"fp32": "f32", "bf16": "bf16"}


def _import() -> Any:
    """Importing openvino tells its maker so over the network. Without this package it can't."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment] # that is how an import is refused
    return importlib.import_module("openvino")


_openvino = _import()
_core = _openvino.Core()


def processor() -> str:
    """What compiled networks depend on: the same name means the same vectors."""
    name = _core.get_property("CPU", "FULL_DEVICE_NAME")
    return f"{name} {' '.join(sorted(_core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')))}"


class Graph:
    """A network as OpenVINO's own graphs, which run one after another.

    There are two where its entry has to stay in float32 while its body is reduced: a graph has one precision.
    """

    def __init__(self, models: Sequence[Any]) -> None:
        self._models = models

    @classmethod
    def convert(cls, network: "Network", placement: Placement) -> "Graph":
        """Any kind of exception may come of a network that can't be converted."""
        import torch

        network.eval()
        if network.entry is None or placement.precision == "fp32" or not any(True for _ in network.entry.parameters()):
            return cls([_convert(network, network.examples)])
        with torch.inference_mode():
            entered = network.entry(*network.examples)
        return cls([_convert(network.entry, network.examples), _convert(network.body, (entered,))])

    @classmethod
    def read(cls, folder: Path) -> "Graph":
        """What `write` wrote. Raises RuntimeError where a file is broken."""
        return cls([_core.read_model(path) for path in sorted(folder.glob("*.xml"))])

    def write(self, folder: Path) -> None:
        for number, model in enumerate(self._models):
            _openvino.save_model(model, folder / f"{number}.xml", compress_to_fp16=False)

    def compile(self, placement: Placement) -> "OpenVinoStep":
        return OpenVinoStep(self._models, placement)


class OpenVinoStep:
    """Each thread has requests of its own, which run on one core each, and give way to whoever answers callers."""

    def __init__(self, models: Sequence[Any], placement: Placement) -> None:
        precisions = ["f32"] * (len(models) - 1) + [_PRECISIONS[placement.precision]]
        with _giving_way():
            self._compiled = self._compile(models, precisions, placement)
        self._own = threading.local()

    @staticmethod
    def _compile(models: Sequence[Any], precisions: Sequence[str], placement: Placement) -> list[Any]:
        return [
            _core.compile_model(
                model,
                "CPU",
                {
                    "INFERENCE_PRECISION_HINT": precision,
                    "NUM_STREAMS": placement.threads,
                    "INFERENCE_NUM_THREADS": placement.threads,
                    # Two encoders on one machine would pin their threads to the same cores.
                    "ENABLE_CPU_PINNING": False,
                    "CPU_RUNTIME_CACHE_CAPACITY": _KERNELS_KEPT,
                },
            )
            for model, precision in zip(models, precisions, strict=True)
        ]

    def __call__(self, inputs: Arrays, parts: bool) -> tuple[FloatMatrix, FloatMatrix | None]:
        requests = self._requests()
        for request in requests:
            request.infer(list(inputs), share_inputs=True, share_outputs=True)
            inputs = [request.get_output_tensor(0).data]
        # Copies, because the next call of this thread overwrites them.
        cells = requests[-1].get_output_tensor(1).data.copy() if parts else None
        return inputs[0].copy(), cells

    def _requests(self) -> list[Any]:
        if not hasattr(self._own, "requests"):
            self._own.requests = [compiled.create_infer_request() for compiled in self._compiled]
        requests: list[Any] = self._own.requests
        return requests


@contextmanager
def _giving_way() -> Iterator[None]:
    """Threads that start meanwhile get a lower priority: those that compute keep none waiting that answers callers,
    refuses, or brings the next batch.
    """
    before = _threads()
    yield
    for thread in _threads() - before:
        with suppress(ProcessLookupError):
            # Lower than this thread's own, which may be low already.
            niceness = min(os.getpriority(os.PRIO_PROCESS, 0) + _COMPUTING_NICER, _NICEST)
            os.setpriority(os.PRIO_PROCESS, int(thread), niceness)


def _threads() -> set[str]:
    """Of this process, where the system has a priority a thread; else none."""
    return {entry.name for entry in _TASKS.iterdir()} if _TASKS.is_dir() else set()


def _convert(network: Any, examples: tuple[Any, ...]) -> Any:
    """A graph for batches of any size, and for texts of any length."""
    import torch

    # It has no types.
    decoder = importlib.import_module("openvino.frontend.pytorch.ts_decoder").TorchScriptPythonDecoder
    shapes = [
        _openvino.PartialShape([-1, -1] if example.dim() == 2 else [-1, *example.shape[1:]]) for example in examples
    ]
    with torch.inference_mode(), warnings.catch_warnings(), _own_logging():
        # A tracer's, of what it takes for constant. Whether the graph is right is found out by comparing vectors: a
        # second trace, by which the tracer would check the first, takes a second.
        warnings.simplefilter("ignore")
        traced = decoder(network, example_input=examples, trace_kwargs={"check_trace": False})
        return _openvino.convert_model(traced, input=shapes)


@contextmanager
def _own_logging() -> Iterator[None]:
    """The root logger stays ours: a conversion sets its level, filters and handlers as if it ran alone."""
    root = logging.getLogger()
    level, filters, handlers = root.level, list(root.filters), list(root.handlers)
    try:
        yield
    finally:
        root.setLevel(level)
        root.filters[:] = filters
        root.handlers[:] = handlers
