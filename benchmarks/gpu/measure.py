"""The run: each service alone on the device, then all of them on it at once."""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.benchmark import Tell
from benchmarks.environment import TUNED, environment
from benchmarks.gpu.calling import Caller, Load
from benchmarks.gpu.parts import Part, parts
from benchmarks.gpu.report import Figures, GpuReport, Sharing
from benchmarks.gpu.watching import Gpu, Watch, Watched, find_gpu, memory_in_use
from benchmarks.machine import machine
from benchmarks.servers import ServerProcess
from modalmesh.local.processes import HOST, free_ports
from modalmesh.types import ModelInfo

_WARMING_SECONDS = 3.0
"""What a GPU does for the first time, for inputs of a new shape, it is slow at."""


@dataclass(frozen=True, slots=True)
class Served:
    """A service that answers, and the messages that it is called with. `memory_mib` is what its start took."""

    part: Part
    address: str
    caller: Caller
    build: str
    messages: Sequence[bytes]
    memory_mib: int | None

    def load(self, seconds: float) -> Load:
        return self.caller.load(
            self.address, self.part.path(self.part.method), self.messages, self.part.callers, seconds
        )


def measure(bundle: Path | None, device: str, seconds: float, callers: int, rank_callers: int, tell: Tell) -> GpuReport:
    """Raises:
    NotHere: there is no such GPU here.
    """
    gpu, where = find_gpu(device), machine()
    with environment(TUNED):
        several = parts(bundle, callers, rank_callers)
        alone = [_alone(part, device, gpu, seconds, tell) for part in several]
        sharing = _sharing(several, device, gpu, seconds, tell)
    return GpuReport(where, gpu, device, bundle.resolve().name if bundle else "zero-shot", alone, sharing)


def _alone(part: Part, device: str, gpu: Gpu | None, seconds: float, tell: Tell) -> Figures:
    tell(f"{part.name} alone")
    with _served(part, device, gpu) as served:
        (load,), watched = _loaded([served], gpu, seconds)
        return _figures(served, load, watched)


def _sharing(several: Sequence[Part], device: str, gpu: Gpu | None, seconds: float, tell: Tell) -> Sharing:
    tell("all at once")
    with ExitStack() as stack:
        served = [stack.enter_context(_served(part, device, gpu)) for part in several]
        loads, watched = _loaded(served, gpu, seconds)
        figures = [_figures(one, load, None) for one, load in zip(served, loads, strict=True)]
    return Sharing(figures, watched)


def _figures(served: Served, load: Load, watched: Watched | None) -> Figures:
    part = served.part
    return Figures(part.name, served.build, part.callers, load, served.memory_mib, watched)


def _loaded(several: Sequence[Served], gpu: Gpu | None, seconds: float) -> tuple[list[Load], Watched | None]:
    """All at the same time; what is watched begins when all are warm."""
    with ThreadPoolExecutor(len(several)) as pool:
        list(pool.map(lambda served: served.load(_WARMING_SECONDS), several))
        with Watch(gpu) if gpu else nullcontext() as watch:
            loads = list(pool.map(lambda served: served.load(seconds), several))
            return loads, watch.stop() if watch else None


@contextmanager
def _served(part: Part, device: str, gpu: Gpu | None) -> Iterator[Served]:
    (port,) = free_ports(1)
    address, answers = f"{HOST}:{port}", list[bytes]()
    before = memory_in_use(gpu) if gpu else 0
    flags = ["--port", str(port), "--device", device, "--log-level", "WARNING", *part.flags]
    with Caller() as caller:

        def is_answered() -> bool:
            answer = caller.answer(address, part.path("GetModel"), b"")
            answers.extend([] if answer is None else [answer])
            return answer is not None

        with ServerProcess([sys.executable, "-m", part.module, *flags], is_answered):
            told = part.model(answers[0]).model
            model = ModelInfo(told.name, told.fingerprint, told.build, told.dim)
            served = Served(part, address, caller, told.build, part.asked(model), None)
            served.load(_WARMING_SECONDS)
            took = memory_in_use(gpu) - before if gpu else None
            yield replace(served, memory_mib=took)
