"""What learns: a system takes training data, and what it has learned scores users whom it has not seen.

Baselines and trained rankers are the same to an evaluation. A ranker that can be served has `Parts` besides.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from modalmesh.embeddings import ModelId
from modalmesh_services.fusion_ranker.dataset import Catalogue, History
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Times
from modalmesh_services.fusion_ranker.models.interface import ModelDescription


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


@runtime_checkable
class GivesProbabilities(Protocol):
    """What a Fitted may be besides: its scores mean probabilities, and are judged as such."""

    def probabilities(self, scores: Floats, histories: Sequence[History], times_ms: Times) -> Floats:
        """(U, N) float32 in 0 to 1: how likely each user likes each item, of what `score` gave for the same users."""
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


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What a trained ranker consists of, as a bundle keeps it: no code, nothing that needs the training data.

    `settings` is JSON; `arrays` become safetensors; `item_ids` is the vocabulary, the items that were learned by id.
    """

    settings: Mapping[str, Any]
    arrays: Mapping[str, npt.NDArray[np.generic]]
    item_ids: tuple[str, ...]


class Trained(Fitted, Protocol):
    """A fitted system that can be written to a bundle and served."""

    def parts(self) -> Parts:
        """Enough to rank with, for any user and any item."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """How far a training is: `done` of `total` steps of a stage, such as epochs of a network.

    `loss` and `validation`, the value of the figure `validated_by` on a slice held out in time, are None where a step
    has none.
    """

    stage: str
    done: int
    total: int
    loss: float | None = None
    validation: float | None = None
    validated_by: str = "ndcg@10"


@dataclass(frozen=True, slots=True)
class Watch:
    """Who follows a training, where it may keep its work so that it goes on there after an interruption, and on which
    device it learns.

    `folder` exists and is of this training alone: the same data, system and configuration. It is removed when the
    training is done. `device` is named as a service's --device is.
    """

    tell: Callable[[Step], None]
    folder: Path | None = None
    device: str = "auto"


@runtime_checkable
class WatchedSystem(Protocol):
    """A system whose training can be followed, and may resume."""

    def fit_watched(self, training: Training, watch: Watch) -> Trained:
        """As `fit`. A resumed training gives what an uninterrupted one gives."""
        ...


@dataclass(frozen=True, slots=True)
class MadeFor:
    """What a trained ranker is served as: its name and revision, and the encoders whose vectors it takes."""

    name: str
    revision: str
    text: ModelId
    image: ModelId
    text_dim: int
    image_dim: int

    def description(self, build: str, fused_dim: int) -> ModelDescription:
        """As callers see it."""
        return ModelDescription(
            name=self.name,
            revision=self.revision,
            build=build,
            text_dim=self.text_dim,
            image_dim=self.image_dim,
            fused_dim=fused_dim,
            text_fingerprint=self.text.fingerprint,
            image_fingerprint=self.image.fingerprint,
        )
