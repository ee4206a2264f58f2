"""What the explain benchmark found."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from benchmarks.explain.curves import Areas
from benchmarks.explain.faithfulness import Outcomes
from benchmarks.explain.timing import Timings
from benchmarks.machine import Machine


@dataclass(frozen=True, slots=True)
class ExplainReport:
    """`outcomes` by kind of part: history, words, regions. `lacking` of the cases had no whole explanation."""

    machine: Machine
    data: str
    ranker: str
    cases: int
    lacking: int
    outcomes: dict[str, Outcomes]
    timings: Timings

    def win_share(self, kind: str) -> float | None:
        """In how many of the cases removing what is named moves the score more than as many random others; None where
        nothing of the kind was ever named.
        """
        trials = self.outcomes[kind].trials
        return fmean(trial.won for trial in trials) if trials else None

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "benchmark": "explain",
            "machine": asdict(self.machine),
            "data": self.data,
            "ranker": self.ranker,
            "cases": self.cases,
            "lacking": self.lacking,
            "history_ratio": round(self.timings.history_ratio, 3),
            "content_ratio": round(self.timings.content_ratio, 3),
            "p50_ms": {name: round(1000 * self.timings.p50(name), 2) for name in self.timings.seconds},
        }
        for kind, found in self.outcomes.items():
            document[f"{kind}_win_share"] = _rounded(self.win_share(kind))
            document[kind] = _figures(found)
        return document

    def view(self) -> RenderableType:
        return Group(self._faithfulness(), self._areas(), self._times())

    def _faithfulness(self) -> Table:
        table = Table(title=f"{self.cases:,} explanations of {self.data}, ranked by {self.ranker}: what is taken away")
        for heading in ("", "cases", "named wins", "fall without the named", "without as many others"):
            table.add_column(heading, justify="right" if heading else "left")
        for kind, found in self.outcomes.items():
            if found.trials:
                named, random = _means(found)
                share = self.win_share(kind) or 0.0
                table.add_row(kind, f"{len(found.trials):,}", f"{share:.1%}", f"{named:.3f}", f"{random:.3f}")
            else:
                table.add_row(kind, "0", "", "", "")
        return table

    def _areas(self) -> Table:
        table = Table(title="Mean fall while parts are deleted, mean rise while they are inserted, the first first")
        for heading in ("", "order", "cases", "deletion", "insertion"):
            table.add_column(heading, justify="right" if heading in ("cases", "deletion", "insertion") else "left")
        for kind, found in self.outcomes.items():
            for order, every in found.areas.items():
                deletion, insertion = _mean_areas(every)
                table.add_row(kind, order, f"{len(every):,}", f"{deletion:.3f}", f"{insertion:.3f}")
        return table

    def _times(self) -> Table:
        timings = self.timings
        table = Table(
            title="Milliseconds, p50",
            caption=f"history {timings.history_ratio:.2f} x Rank; all {timings.content_ratio:.2f} x (Rank + encode)",
        )
        for name in timings.seconds:
            table.add_column(name.replace("_", " "), justify="right")
        table.add_row(*(f"{1000 * timings.p50(name):.1f}" for name in timings.seconds))
        return table


def _figures(found: Outcomes) -> dict[str, Any]:
    if not found.trials:
        return {"cases": 0}
    named, random = _means(found)
    figures: dict[str, Any] = {
        "cases": len(found.trials),
        "fall_without_named": round(named, 4),
        "fall_without_random": round(random, 4),
        "named_parts": round(fmean(trial.count for trial in found.trials), 2),
        "curves": len(next(iter(found.areas.values()), ())),
    }
    for order, every in found.areas.items():
        deletion, insertion = _mean_areas(every)
        figures[f"deletion_auc_{order}"] = round(deletion, 4)
        figures[f"insertion_auc_{order}"] = round(insertion, 4)
    return figures


def _means(found: Outcomes) -> tuple[float, float]:
    return fmean(trial.named for trial in found.trials), fmean(trial.random for trial in found.trials)


def _mean_areas(every: Sequence[Areas]) -> tuple[float, float]:
    return fmean(each.deletion for each in every), fmean(each.insertion for each in every)


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
