"""Measurements of all splits of a protocol -> figures with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes
from modalmesh_services.fusion_ranker.evaluation import beyond, bootstrap
from modalmesh_services.fusion_ranker.evaluation.bootstrap import Interval
from modalmesh_services.fusion_ranker.evaluation.calibration import probabilities
from modalmesh_services.fusion_ranker.evaluation.measuring import Measured
from modalmesh_services.fusion_ranker.evaluation.pairs import pair_intervals


@dataclass(frozen=True, eq=False)
class SystemResult:
    """A system under a protocol: R values a figure, a user and split each.

    `users` (R,) int32 says whose a value is. Of P held-out pairs: `pair_users` (P,) int32 as in `users`,
    `pair_probabilities` (P,) float32, `pair_liked` (P,) bool. `splits` names folds, blocks or seeds.
    """

    users: Indexes
    figures: Mapping[str, Floats]
    pair_users: Indexes
    pair_probabilities: Floats
    pair_liked: Flags
    coverage: Interval
    seconds: float
    splits: tuple[str, ...]

    @classmethod
    def collect(cls, measured: Sequence[Measured], seconds: float, splits: Sequence[str]) -> "SystemResult":
        names = [name for one in measured for name in one.user_ids]
        users = np.unique(names, return_inverse=True)[1].astype(np.int32)
        starts = np.cumsum([0, *(len(one.user_ids) for one in measured)])
        owners = users[np.concatenate([one.pair_users + start for one, start in zip(measured, starts, strict=False)])]
        liked = np.concatenate([one.pair_liked for one in measured])
        return cls(
            users,
            {name: np.concatenate([one.figures[name] for one in measured]) for name in measured[0].figures},
            owners,
            _probabilities(measured, liked, owners),
            liked,
            beyond.coverage([one.lists for one in measured], [one.ranked for one in measured], users),
            seconds,
            tuple(splits),
        )

    def mean(self, figure: str) -> float:
        return float(np.nanmean(self.figures[figure]))

    @cached_property
    def intervals(self) -> Mapping[str, Interval]:
        """Every figure that says something of anybody."""
        found = {name: bootstrap.mean(own[known], self.users[known]) for name, own, known in self._known()}
        pairs = pair_intervals(self.pair_probabilities, self.pair_liked, self.pair_users)
        told = {f"pairs.{name}": own for name, own in pairs.items() if not np.isnan(own.value)}
        return {**found, **told, "coverage@10": self.coverage}

    def difference(self, figure: str, reference: "SystemResult") -> Interval:
        """Of the means, paired; both are of the same users and splits. Those of whom the figure says nothing, such as
        who has no target in a group, are left out.
        """
        return bootstrap.difference(*self._paired(figure, reference))

    def ratio(self, figure: str, reference: "SystemResult") -> Interval:
        """Paired as in `difference`."""
        return bootstrap.ratio(*self._paired(figure, reference))

    def _paired(self, figure: str, reference: "SystemResult") -> tuple[Floats, Floats, Indexes]:
        ours, theirs = self.figures[figure], reference.figures[figure]
        known = ~(np.isnan(ours) | np.isnan(theirs))
        return ours[known], theirs[known], self.users[known]

    def _known(self) -> list[tuple[str, Floats, Flags]]:
        known = ((name, own, ~np.isnan(own)) for name, own in self.figures.items())
        return [each for each in known if each[2].any()]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`protocols[protocol][system]`; `references` names the system that others of a protocol are compared with.

    `skipped` says why a protocol has no results on these data, `failed[protocol][system]` why a system has none.
    """

    protocols: Mapping[str, Mapping[str, SystemResult]]
    references: Mapping[str, str]
    skipped: Mapping[str, str]
    failed: Mapping[str, Mapping[str, str]]

    def reference(self, protocol: str) -> SystemResult | None:
        """None where it wasn't measured."""
        return self.protocols[protocol].get(self.references.get(protocol, ""))


def _probabilities(measured: Sequence[Measured], liked: Flags, owners: Indexes) -> Floats:
    """The system's own, or of its scores, cross-fitted over users."""
    own = np.concatenate([one.pair_probabilities for one in measured])
    if not np.isnan(own).any():
        return own
    return probabilities(np.concatenate([one.pair_scores for one in measured]), liked, owners)
