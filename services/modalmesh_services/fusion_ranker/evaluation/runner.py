"""Systems x protocols, each measured once and kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation.measuring import CHOSEN_BY, measure
from modalmesh_services.fusion_ranker.evaluation.plans import BestOnTest, Measurable, Plan, leaves, reference
from modalmesh_services.fusion_ranker.evaluation.progress import Listener, Progress, Stopwatch
from modalmesh_services.fusion_ranker.evaluation.protocols import PROTOCOLS
from modalmesh_services.fusion_ranker.evaluation.results import Evaluation, SystemResult
from modalmesh_services.fusion_ranker.evaluation.splits import Split
from modalmesh_services.fusion_ranker.evaluation.store import Store, Timed, fingerprint, key, training_key
from modalmesh_services.fusion_ranker.systems.interface import System


@dataclass(frozen=True, slots=True)
class _Asked:
    """A measurement: `name` is its place in the store."""

    name: str
    protocol: str
    split: Split


class Runner:
    """Measures on one data set, and measures nothing twice."""

    def __init__(self, dataset: Dataset, store: Store, listener: Listener) -> None:
        self._dataset = dataset
        self._data = fingerprint(dataset)
        self._store = store
        self._listener = listener

    def run(self, plan: Plan) -> Evaluation:
        """Every protocol with its systems, by their names; what fails is told, and the rest goes on."""
        splits = {name: [split for split in PROTOCOLS[name](self._dataset) if len(split.scored)] for name in plan}
        skipped = {name: "these data have no user whom it could score" for name, own in splits.items() if not own}
        for name, reason in skipped.items():
            self._listener.note(f"{name}: skipped, {reason}")
        reasons = self._measure(plan, splits)
        results: dict[str, dict[str, SystemResult]] = {}
        failed: dict[str, dict[str, str]] = {}
        for protocol in (name for name in plan if name not in skipped):
            results[protocol] = {}
            for system in plan[protocol]:
                found = self._result(system, protocol, splits[protocol], reasons)
                if isinstance(found, SystemResult):
                    results[protocol][system.name] = found
                else:
                    failed.setdefault(protocol, {})[system.name] = found
        return Evaluation(results, {protocol: reference(protocol) for protocol in results}, skipped, failed)

    def _measure(self, plan: Plan, splits: Mapping[str, Sequence[Split]]) -> Mapping[str, str]:
        """Fill the store; why a measurement is missing in it, by its name there."""
        jobs: dict[tuple[str, str], tuple[System, dict[str, _Asked]]] = {}
        for protocol, systems in plan.items():
            for system in (leaf for each in systems for leaf in leaves(each)):
                for asked in self._asked(system, protocol, splits[protocol]):
                    if self._store.get(asked.name) is None:
                        fitted_by = training_key(asked.split.training), key("", "", "", system)
                        jobs.setdefault(fitted_by, (system, {}))[1][asked.name] = asked
        ahead: dict[str, int] = {}
        for system, own in jobs.values():
            ahead[system.name] = ahead.get(system.name, 0) + len(own)
        progress = Progress(self._listener, ahead)
        return {
            name: reason
            for system, own in jobs.values()
            for name, reason in self._fit_and_measure(system, list(own.values()), progress).items()
        }

    def _fit_and_measure(self, system: System, asked: Sequence[_Asked], progress: Progress) -> Mapping[str, str]:
        """One fit serves all splits that have the same training."""
        failed: dict[str, str] = {}
        fitted = None
        watch = Stopwatch()
        for each in asked:
            try:
                fitted = fitted or system.fit(each.split.training)
                timed = Timed(measure(fitted, each.split), watch.seconds)
            except Exception as error:  # noqa: BLE001 - a system's failure, whatever it is, is a result of its own
                failed[each.name] = f"{type(error).__name__}: {error}"
                progress.failed(each.protocol, each.split.name, system.name, failed[each.name])
            else:
                self._store.put(each.name, timed)
                progress.measured(each.protocol, each.split.name, system.name, timed.seconds)
            watch = Stopwatch()
        return failed

    def _result(
        self, system: Measurable, protocol: str, splits: Sequence[Split], reasons: Mapping[str, str]
    ) -> SystemResult | str:
        """Or why there is none."""
        if isinstance(system, BestOnTest):
            results = [self._result(candidate, protocol, splits, reasons) for candidate in system.candidates]
            whole = [result for result in results if isinstance(result, SystemResult)]
            return max(whole, key=lambda result: result.mean(CHOSEN_BY)) if whole else results[0]
        asked = list(self._asked(system, protocol, splits))
        missing = [reasons[each.name] for each in asked if each.name in reasons]
        if missing:
            return missing[0]
        timed = [own for own in (self._store.get(each.name) for each in asked) if own]
        return SystemResult.collect(
            [each.measured for each in timed], sum(each.seconds for each in timed), [split.name for split in splits]
        )

    def _asked(self, system: System, protocol: str, splits: Sequence[Split]) -> Iterator[_Asked]:
        for split in splits:
            yield _Asked(key(self._data, protocol, split.name, system), protocol, split)
