"""Systems x protocols, each measured once and kept."""

from collections.abc import Iterator, Mapping, Sequence

from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation.jobs import Asked, Bench, Job, outcomes
from modalmesh_services.fusion_ranker.evaluation.measuring import CHOSEN_BY
from modalmesh_services.fusion_ranker.evaluation.plans import BestOnTest, Measurable, Plan, leaves, reference
from modalmesh_services.fusion_ranker.evaluation.progress import Listener, Progress
from modalmesh_services.fusion_ranker.evaluation.results import Evaluation, SystemResult
from modalmesh_services.fusion_ranker.evaluation.store import Store, fingerprint, key, training_key
from modalmesh_services.fusion_ranker.systems.interface import System


class Runner:
    """Measures on one data set, and measures nothing twice."""

    def __init__(self, dataset: Dataset, store: Store, listener: Listener, processes: int = 1) -> None:
        """`processes` share the work; systems are sent to them then, and must be such as can be."""
        self._bench = Bench(dataset, store)
        self._data = fingerprint(dataset)
        self._listener = listener
        self._processes = processes

    def run(self, plan: Plan) -> Evaluation:
        """Every protocol with its systems, by their names; what fails is told, and the rest goes on."""
        skipped = {name: "these data have no user whom it could score" for name in plan if not self._bench.splits(name)}
        for name, reason in skipped.items():
            self._listener.note(f"{name}: skipped, {reason}")
        failures = self._measure(plan)
        results: dict[str, dict[str, SystemResult]] = {}
        failed: dict[str, dict[str, str]] = {}
        for protocol in (name for name in plan if name not in skipped):
            results[protocol] = {}
            for system in plan[protocol]:
                found = self._result(system, protocol, failures)
                if isinstance(found, SystemResult):
                    results[protocol][system.name] = found
                else:
                    failed.setdefault(protocol, {})[system.name] = found
        return Evaluation(results, {protocol: reference(protocol) for protocol in results}, skipped, failed)

    def _measure(self, plan: Plan) -> Mapping[str, str]:
        """Fill the store; why a measurement is missing in it, by its name there."""
        jobs = self._jobs(plan)
        ahead: dict[str, int] = {}
        for job in jobs:
            ahead[job.system.name] = ahead.get(job.system.name, 0) + len(job.asked)
        progress = Progress(self._listener, ahead, min(self._processes, max(len(jobs), 1)))
        failures: dict[str, str] = {}
        for outcome in outcomes(self._bench, jobs, self._processes):
            asked = outcome.asked
            if outcome.failure:
                failures[asked.name] = outcome.failure
                progress.failed(asked.protocol, asked.split, outcome.system, outcome.failure)
            else:
                progress.measured(asked.protocol, asked.split, outcome.system, outcome.seconds)
        return failures

    def _jobs(self, plan: Plan) -> Sequence[Job]:
        """What isn't kept yet."""
        found: dict[tuple[str, str], Job] = {}
        for protocol, systems in plan.items():
            trainings = [training_key(split.training) for split in self._bench.splits(protocol)]
            for system in (leaf for each in systems for leaf in leaves(each)):
                for asked in self._asked(system, protocol):
                    if self._bench.store.get(asked.name) is None:
                        fit = trainings[asked.place], key("", "", "", system)
                        job = found.get(fit, Job(system, ()))
                        found[fit] = Job(system, (*(each for each in job.asked if each != asked), asked))
        return list(found.values())

    def _result(self, system: Measurable, protocol: str, failures: Mapping[str, str]) -> SystemResult | str:
        """Or why there is none."""
        if isinstance(system, BestOnTest):
            results = [self._result(candidate, protocol, failures) for candidate in system.candidates]
            whole = [result for result in results if isinstance(result, SystemResult)]
            return max(whole, key=lambda result: result.mean(CHOSEN_BY)) if whole else results[0]
        asked = list(self._asked(system, protocol))
        missing = [failures[each.name] for each in asked if each.name in failures]
        if missing:
            return missing[0]
        timed = [own for own in (self._bench.store.get(each.name) for each in asked) if own]
        return SystemResult.collect(
            [each.measured for each in timed], sum(each.seconds for each in timed), [each.split for each in asked]
        )

    def _asked(self, system: System, protocol: str) -> Iterator[Asked]:
        for place, split in enumerate(self._bench.splits(protocol)):
            yield Asked(key(self._data, protocol, split.name, system), protocol, place, split.name)
