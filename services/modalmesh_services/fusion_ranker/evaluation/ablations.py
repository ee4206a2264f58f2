"""What a part is worth: a system that may not see it, under the same splits, so that both can be paired."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from modalmesh_services.fusion_ranker.dataset import Catalogue, History, Tokens
from modalmesh_services.fusion_ranker.dataset.arrays import Floats, Indexes, Times
from modalmesh_services.fusion_ranker.dataset.catalogue import NO_TIME
from modalmesh_services.fusion_ranker.systems.interface import Fitted, System, Training

Whole = TypeVar("Whole")


def _all(whole: Whole) -> Whole:
    return whole


@dataclass(frozen=True, slots=True)
class Change:
    """What is hidden, of items and of events; `name` says it in words. `version` is raised when it hides another."""

    name: str
    catalogue: Callable[[Catalogue], Catalogue] = _all
    history: Callable[[History], History] = _all
    has_order: bool = True
    version: int = 1


@dataclass(frozen=True, slots=True)
class Ablated:
    """A system that learns and scores under a change."""

    system: System
    change: Change

    @property
    def name(self) -> str:
        return f"{self.system.name} {self.change.name}"

    @property
    def version(self) -> int:
        return self.system.version

    @property
    def configuration(self) -> Mapping[str, object]:
        return {"change": (self.change.name, self.change.version), **self.system.configuration}

    def fit(self, training: Training) -> "FittedAblated":
        changed = replace(
            training,
            histories=_changed(self.change, training.histories),
            catalogue=self.change.catalogue(training.catalogue),
            has_order=training.has_order and self.change.has_order,
        )
        return FittedAblated(self.system.fit(changed), self.change, training.catalogue)


@dataclass(frozen=True, slots=True, eq=False)
class FittedAblated:
    """`catalogue` is what `fitted` serves, before the change."""

    fitted: Fitted
    change: Change
    catalogue: Catalogue

    def score(self, histories: Sequence[History], times_ms: Times) -> Floats:
        asked = times_ms if self.change.has_order else np.zeros_like(times_ms)
        return self.fitted.score([self.change.history(history) for history in histories], asked)

    def serving(self, catalogue: Catalogue) -> "FittedAblated":
        if catalogue is self.catalogue:
            return self
        return FittedAblated(self.fitted.serving(self.change.catalogue(catalogue)), self.change, catalogue)


def _changed(change: Change, histories: Sequence[History]) -> tuple[History, ...]:
    changed = (change.history(history) for history in histories)
    return tuple(history for history in changed if len(history))


def _everything(catalogue: Catalogue) -> np.typing.NDArray[np.bool_]:
    return np.ones(len(catalogue), np.bool_)


def _no_text(catalogue: Catalogue) -> Catalogue:
    return catalogue.without_texts(_everything(catalogue))


def _no_pictures(catalogue: Catalogue) -> Catalogue:
    return catalogue.without_pictures(_everything(catalogue))


def _no_attributes(catalogue: Catalogue) -> Catalogue:
    """An item's time is one, too."""
    hidden = _everything(catalogue)
    return replace(
        catalogue,
        attributes=catalogue.attributes.without_items(hidden),
        times_ms=np.full_like(catalogue.times_ms, NO_TIME),
    )


def _no_content(catalogue: Catalogue) -> Catalogue:
    return _no_text(_no_pictures(_no_attributes(catalogue)))


def _liked(history: History) -> History:
    return history[history.positive]


def _shuffled_pictures(catalogue: Catalogue) -> Catalogue:
    """Who has a picture keeps one, but another's: what is left is that there is one."""
    image = catalogue.image
    owners = np.flatnonzero(image.present()).astype(np.int32)
    other = np.arange(image.item_count, dtype=np.int32)
    other[owners] = np.random.default_rng(0).permutation(owners)
    return replace(catalogue, image=_given_to(image, other))


def _given_to(tokens: Tokens, owner: Indexes) -> Tokens:
    """What item i had becomes that of item `owner[i]`."""
    items = owner[tokens.items]
    order = np.argsort(items, kind="stable")
    return Tokens(tokens.item_count, tokens.vectors[order], items[order], tokens.kinds[order], tokens.kind_names)


MODALITIES = (
    Change("without texts", _no_text),
    Change("without pictures", _no_pictures),
    Change("with shuffled pictures", _shuffled_pictures),
    Change("without attributes", _no_attributes),
    Change("without any content", _no_content),
)

EVENTS = (
    Change("without order", history=History.without_order, has_order=False),
    Change("without what wasn't liked", history=_liked),
)
