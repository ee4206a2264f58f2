"""What is measured: a system learns from training data and scores users whom it has not seen.

Baselines and trained systems are the same to an evaluation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from modalmesh_services.fusion_ranker.dataset import Catalogue, History
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Times


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """What a system may know.

    `catalogue` has N items; those that are not `trainable` (N,) bool are out of training: no history names them, and
    what the catalogue says of them serves scoring alone. `has_order` is false where times and order mean nothing.
    """

    histories: Sequence[History]
    catalogue: Catalogue
    trainable: Flags
    has_order: bool = True


class Fitted(Protocol):
    """A system that has learned. Rows of `catalogue` are those that it was fitted on."""

    def score(self, histories: Sequence[History], times_ms: Times) -> Floats:
        """(U, N) float32, higher is better. No user needs to be known from training; items seen are scored, too.

        `times_ms` (U,) int64: when each user asks.
        """
        ...

    def serving(self, catalogue: Catalogue) -> "Fitted":
        """The same, of a catalogue that has since lost texts or pictures; itself where it uses none."""
        ...


class System(Protocol):
    """A way to learn, with its configuration."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int:
        """Raised when its code comes to give other scores, so that kept results are measured again."""
        ...

    @property
    def configuration(self) -> Mapping[str, object]:
        """All that its scores depend on beside data and code, as JSON."""
        ...

    def fit(self, training: Training) -> Fitted:
        """Learn; the same training gives the same scores on the same machine."""
        ...
