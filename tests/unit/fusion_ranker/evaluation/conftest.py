import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from modalmesh.types import Item
from modalmesh_services.fusion_ranker.dataset import History, Interactions
from modalmesh_services.fusion_ranker.dataset.reading import Dataset, build_catalogue, read_dataset

FILMS = Path(os.environ.get("DATA", "../shared/data/movielens-posters"))


def made_history(user: int, items: list[int], liked: list[bool], start_ms: int = 0) -> History:
    """One event a millisecond from `start_ms` on."""
    count = len(items)
    return History(
        f"u{user}",
        np.array(items, np.int32),
        start_ms + np.arange(count, dtype=np.int64),
        np.where(liked, 5, 1).astype(np.float32),
        np.array(liked, np.bool_),
    )


@dataclass
class Heard:
    """A listener to progress."""

    notes: list[str] = field(default_factory=list)
    done: list[tuple[int, int]] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)

    def progress(self, what: str, done: int, total: int) -> None:
        self.done.append((done, total))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="session")
def made() -> Dataset:
    """40 users in two camps that like their own half of 60 items, and rate one item of the other half low."""
    random = np.random.default_rng(0)
    histories = []
    for user in range(40):
        own, other = (np.arange(30), 30) if user % 2 else (np.arange(30, 60), 0)
        items = [*random.choice(own, 15, replace=False).tolist(), other + user % 30]
        histories.append(made_history(user, items, [True] * 15 + [False], start_ms=user * 100))
    catalogue = build_catalogue([Item(f"i{row}", tags=["even" if row % 2 else "odd"]) for row in range(60)])
    return Dataset(catalogue, Interactions(tuple(histories)))


@pytest.fixture(scope="session")
def films() -> Dataset:
    if not FILMS.is_dir():
        pytest.skip(f"needs the films in {FILMS}")
    return read_dataset(FILMS)
