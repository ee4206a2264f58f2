"""The floor: the best loop that we know how to write around a model, in process. What is best is tried first."""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self, TypeAlias

from benchmarks.benchmark import Tell
from benchmarks.encode import worker
from benchmarks.encode.load import Inputs
from benchmarks.encode.results import Kind, Run
from benchmarks.environment import TUNED, environment
from benchmarks.machine import Meter, cpus
from benchmarks.workers import SPAWN
from modalmesh.embeddings import FloatMatrix

Style: TypeAlias = Literal["processes", "threads"]
STYLES: tuple[Style, ...] = ("processes", "threads")
BATCHES = (8, 16, 32)


@dataclass(frozen=True, slots=True)
class Way:
    """How a loop is run."""

    style: Style
    batch: int

    def __str__(self) -> str:
        return f"{self.style}, batches of {self.batch}"


class Pool:
    """Loaded and warm processes: one a core, each with one thread, or one with a thread a core."""

    def __init__(self, kind: Kind, backend: str, style: Style, sample: Inputs) -> None:
        self._kind = kind
        self._style: Style = style
        workers = cpus() if style == "processes" else 1
        threads = cpus() // workers
        settings = {"threads": threads} | ({"backend": backend} if backend else {})
        arguments = (kind, settings, threads, SPAWN.Barrier(workers))
        self._pool = ProcessPoolExecutor(workers, SPAWN, worker.load, arguments)
        with environment(TUNED):
            ready = [
                future.result() for future in [self._pool.submit(worker.get_ready, sample) for _ in range(workers)]
            ]
        self._pids = {"reader": os.getpid(), **{f"worker {one.pid}": one.pid for one in ready}}
        self.build: str = ready[0].build

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def run(self, inputs: Inputs, batch: int) -> Run:
        meter, started = Meter(self._pids), time.perf_counter()
        if self._style == "processes":
            rows = worker.loop(self._pool, self._kind, inputs, batch)
        else:
            rows = self._pool.submit(worker.loop_in_threads, self._kind, inputs, batch).result()
        return Run(rows, time.perf_counter() - started, meter.read())

    def lone(self, inputs: Inputs) -> list[float]:
        return self._pool.submit(worker.lone, inputs).result()

    def vectors(self, inputs: Inputs) -> FloatMatrix:
        return self._pool.submit(worker.vectors, inputs).result()


class Floor:
    """The fastest way of one backend."""

    def __init__(self, kind: Kind, backend: str, sample: Inputs, tell: Tell) -> None:
        """Try each way twice with the sample, and keep the best."""
        pools: dict[Style, Pool] = {}
        try:
            for style in STYLES:
                pools[style] = Pool(kind, backend, style, sample[:32])
            rates = dict.fromkeys([Way(style, batch) for style in STYLES for batch in BATCHES], 0.0)
            for way in [*rates, *reversed(rates)]:
                rates[way] = max(rates[way], pools[way.style].run(sample, way.batch).rate)
            self.way = max(rates, key=lambda way: rates[way])
            self.tried = {str(way): round(rate, 1) for way, rate in rates.items()}
            self._pool = pools.pop(self.way.style)
        finally:
            for pool in pools.values():
                pool.close()
        self.build = self._pool.build
        tell(f"floor of {kind}s in {self.build}: {self.way}, {rates[self.way]:.0f}/s; tried {self.tried}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.close()

    def run(self, inputs: Inputs) -> Run:
        return self._pool.run(inputs, self.way.batch)

    def lone(self, inputs: Inputs) -> list[float]:
        return self._pool.lone(inputs)

    def vectors(self, inputs: Inputs) -> FloatMatrix:
        return self._pool.vectors(inputs)
