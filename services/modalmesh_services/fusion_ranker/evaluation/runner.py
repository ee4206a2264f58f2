"""Systems x protocols, each measured once and kept."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation.measuring import CHOSEN_BY, measure
from modalmesh_services.fusion_ranker.evaluation.protocols import PROTOCOLS
from modalmesh_services.fusion_ranker.evaluation.results import Evaluation, SystemResult
from modalmesh_services.fusion_ranker.evaluation.splits import Split
from modalmesh_services.fusion_ranker.evaluation.store import Store, Timed, fingerprint, key
from modalmesh_services.fusion_ranker.systems.interface import System

Tell = Callable[[str], None]
"""Called with a line of progress."""


@dataclass(frozen=True, slots=True)
class BestOnTest:
    """The one of several systems that is best on the test itself: an honest denominator, and no honest result."""

    name: str
    candidates: Sequence[System]


class Runner:
    """Measures on one data set, and measures nothing twice."""

    def __init__(self, dataset: Dataset, store: Store, tell: Tell) -> None:
        self._dataset = dataset
        self._data = fingerprint(dataset)
        self._store = store
        self._tell = tell

    def run(self, systems: Sequence[System | BestOnTest], protocols: Sequence[str]) -> Evaluation:
        """Every system under every protocol, by their names."""
        results: dict[str, dict[str, SystemResult]] = {}
        skipped: dict[str, str] = {}
        for protocol in protocols:
            splits = [split for split in PROTOCOLS[protocol](self._dataset) if len(split.scored)]
            if splits:
                results[protocol] = {system.name: self._result(system, protocol, splits) for system in systems}
            else:
                skipped[protocol] = "these data have no user whom it could score"
                self._tell(f"{protocol}: skipped, {skipped[protocol]}")
        return Evaluation(results, skipped)

    def _result(self, system: System | BestOnTest, protocol: str, splits: Sequence[Split]) -> SystemResult:
        if isinstance(system, BestOnTest):
            results = [self._result(candidate, protocol, splits) for candidate in system.candidates]
            return max(results, key=lambda result: result.mean(CHOSEN_BY))
        timed = [self._timed(system, protocol, split) for split in splits]
        return SystemResult.collect(
            [each.measured for each in timed], sum(each.seconds for each in timed), [split.name for split in splits]
        )

    def _timed(self, system: System, protocol: str, split: Split) -> Timed:
        name = key(self._data, protocol, split.name, system)
        kept = self._store.get(name)
        if kept is not None:
            return kept
        start = time.perf_counter()
        measured = measure(system.fit(split.training), split)
        timed = Timed(measured, time.perf_counter() - start)
        self._store.put(name, timed)
        self._tell(f"{protocol}/{split.name} {system.name}: {timed.seconds:.1f} s")
        return timed
