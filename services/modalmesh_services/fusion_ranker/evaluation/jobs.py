"""Measurements that need one fit, done here or by processes of their own."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass

from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation.measuring import measure
from modalmesh_services.fusion_ranker.evaluation.progress import Stopwatch
from modalmesh_services.fusion_ranker.evaluation.protocols import PROTOCOLS
from modalmesh_services.fusion_ranker.evaluation.splits import Split
from modalmesh_services.fusion_ranker.evaluation.store import Store, Timed
from modalmesh_services.fusion_ranker.systems.interface import Fitted, System

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Asked:
    """A measurement: of a protocol's split by its place; `name` is the measurement's place in the store."""

    name: str
    protocol: str
    place: int
    split: str


@dataclass(frozen=True, slots=True)
class Job:
    """All of these have the same training: one fit serves them."""

    system: System
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a measurement; `failure` is why there is none."""

    asked: Asked
    system: str
    seconds: float
    failure: str = ""


class Bench:
    """A data set with its splits, and where measurements go."""

    def __init__(self, dataset: Dataset, store: Store) -> None:
        self.dataset, self.store = dataset, store
        self._splits: dict[str, list[Split]] = {}

    def splits(self, protocol: str) -> Sequence[Split]:
        """Those that have somebody to score."""
        if protocol not in self._splits:
            self._splits[protocol] = [split for split in PROTOCOLS[protocol](self.dataset) if len(split.scored)]
        return self._splits[protocol]

    def do(self, job: Job) -> Iterator[Outcome]:
        """What fails is told, and the rest goes on; the first measurement's seconds include the fit's."""
        watch = Stopwatch()
        try:
            fitted = job.system.fit(self.splits(job.asked[0].protocol)[job.asked[0].place].training)
        except Exception as error:  # noqa: BLE001 - a system's failure, whatever it is, is a result of its own
            yield from (Outcome(asked, job.system.name, watch.seconds, _said(error)) for asked in job.asked)
            return
        for asked in job.asked:
            yield self._measured(fitted, job.system, asked, watch)
            watch = Stopwatch()

    def _measured(self, fitted: Fitted, system: System, asked: Asked, watch: Stopwatch) -> Outcome:
        try:
            measured = measure(fitted, self.splits(asked.protocol)[asked.place])
        except Exception as error:  # noqa: BLE001 - as above
            return Outcome(asked, system.name, watch.seconds, _said(error))
        self.store.put(asked.name, Timed(measured, watch.seconds))
        return Outcome(asked, system.name, watch.seconds)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def default_processes() -> int:
    """Each holds the data and a fit: two are enough for a machine with little memory."""
    return min(2, os.cpu_count() or 1)


def outcomes(bench: Bench, jobs: Sequence[Job], processes: int) -> Iterator[Outcome]:
    """As they come; with several processes in the order in which jobs are done."""
    if processes < 2 or len(jobs) < 2:
        for job in jobs:
            yield from bench.do(job)
        return
    start = multiprocessing.get_context("spawn")
    with _threads(max(1, (os.cpu_count() or 1) // processes)):
        pool = ProcessPoolExecutor(processes, start, _begin, (bench.dataset, bench.store))
        try:
            asked = {pool.submit(_do, job): job for job in jobs}
            for done in as_completed(asked):
                error, job = done.exception(), asked[done]
                if error is None:
                    yield from done.result()
                else:
                    # The process died, or the system can't be sent to one.
                    yield from (Outcome(each, job.system.name, 0.0, _said(error)) for each in job.asked)
        except BaseException:
            # Whoever waits for an end doesn't wait for a fit.
            for child in multiprocessing.active_children():
                child.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Processes that begin in here share the cores."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, str(count)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_own: dict[str, Bench] = {}
"""Of a process that was started for it, its bench."""


def _begin(dataset: Dataset, store: Store) -> None:
    _own["bench"] = Bench(dataset, store)


def _do(job: Job) -> list[Outcome]:
    return list(_own["bench"].do(job))
