"""Measurements of all splits of a protocol -> figures with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Floats, Indexes
from modalmesh_services.fusion_ranker.evaluation import bootstrap
from modalmesh_services.fusion_ranker.evaluation.bootstrap import Interval
from modalmesh_services.fusion_ranker.evaluation.calibration import probabilities
from modalmesh_services.fusion_ranker.evaluation.measuring import Measured
from modalmesh_services.fusion_ranker.evaluation.pairs import pair_figures


@dataclass(frozen=True, slots=True, eq=False)
class SystemResult:
    """A system under a protocol: R values a figure, a user and split each.

    `users` (R,) int32 says whose a value is. `pairs` are figures of held-out pairs at threshold 0.5, of probabilities
    that are cross-fitted over users. `splits` names folds, blocks or seeds.
    """

    users: Indexes
    figures: Mapping[str, Floats]
    pairs: Mapping[str, float]
    coverage: float
    seconds: float
    splits: tuple[str, ...]

    @classmethod
    def collect(cls, measured: Sequence[Measured], seconds: float, splits: Sequence[str]) -> "SystemResult":
        names = [name for one in measured for name in one.user_ids]
        users = np.unique(names, return_inverse=True)[1].astype(np.int32)
        starts = np.cumsum([0, *(len(one.user_ids) for one in measured)])
        owners = np.concatenate([one.pair_users + start for one, start in zip(measured, starts, strict=False)])
        scores = np.concatenate([one.pair_scores for one in measured])
        liked = np.concatenate([one.pair_liked for one in measured])
        return cls(
            users,
            {name: np.concatenate([one.figures[name] for one in measured]) for name in measured[0].figures},
            asdict(pair_figures(probabilities(scores, liked, users[owners]), liked)),
            float(np.mean([one.coverage for one in measured])),
            seconds,
            tuple(splits),
        )

    def mean(self, figure: str) -> float:
        return float(np.nanmean(self.figures[figure]))

    def interval(self, figure: str) -> Interval | None:
        """None where the figure says nothing of any user."""
        known = ~np.isnan(self.figures[figure])
        return bootstrap.mean(self.figures[figure][known], self.users[known]) if known.any() else None

    def document(self) -> dict[str, Any]:
        """For programs: each figure with `value`, `low` and `high`; those of pairs with `value` alone."""
        intervals = {name: self.interval(name) for name in self.figures}
        pairs = {f"pairs.{name}": None if np.isnan(value) else value for name, value in self.pairs.items()}
        return {
            **{name: asdict(interval) for name, interval in intervals.items() if interval},
            **{name: {"value": value} for name, value in pairs.items()},
            "coverage@10": {"value": self.coverage},
            "seconds": round(self.seconds, 2),
            "seeds": list(self.splits),
        }


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`protocols[protocol][system]`; `skipped` says why a protocol has no results on these data."""

    protocols: Mapping[str, Mapping[str, SystemResult]]
    skipped: Mapping[str, str]

    def document(self) -> dict[str, Any]:
        return {
            "protocols": {
                protocol: {system: result.document() for system, result in systems.items()}
                for protocol, systems in self.protocols.items()
            },
            "skipped": dict(self.skipped),
        }
