"""The ways to split the data, each a question of its own."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from modalmesh_services.fusion_ranker.dataset import Catalogue, History, split_point
from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation.splits import (
    HISTORY_SHARE,
    Scored,
    Split,
    cold_split,
    cut,
    enough,
    later_split,
    random_share,
)
from modalmesh_services.fusion_ranker.systems.interface import Training

FOLDS = 5
COLD_SEEDS = (0, 1, 2)
BLOCKS = 4
RATINGS_OF_OTHERS = 20_000

Protocol = Callable[[Dataset], Iterator[Split]]


def users(dataset: Dataset) -> Iterator[Split]:
    """What will a user like next? Those scored are trained on, with their known part."""
    yield _users("users", dataset)


def new_users(dataset: Dataset, seed: int = 0) -> Iterator[Split]:
    """As `users`, in folds over users: nobody scored was trained on."""
    whole = _users("new_users", dataset)
    order = np.random.default_rng(seed).permutation(len(whole.scored))
    for fold in range(FOLDS):
        rows = np.sort(order[fold::FOLDS])
        away = {whole.scored.histories[row].user_id for row in rows}
        histories = tuple(each for each in whole.training.histories if each.user_id not in away)
        training = replace(whole.training, histories=histories)
        yield replace(whole, name=f"fold-{fold}", training=training, scored=whole.scored.take(rows.tolist()))


def users_without_order(dataset: Dataset) -> Iterator[Split]:
    """As `users`, after the split all times and orders are forgotten."""
    whole = _users("users_without_order", dataset)
    histories = tuple(history.without_order() for history in whole.training.histories)
    known = tuple(history.without_order() for history in whole.scored.histories)
    yield replace(
        whole,
        training=replace(whole.training, histories=histories, has_order=False),
        scored=replace(whole.scored, histories=known, times_ms=np.zeros_like(whole.scored.times_ms)),
    )


def global_time(dataset: Dataset) -> Iterator[Split]:
    """As `users`, in blocks of time: a model knows nobody's ratings from a block's start on."""
    histories = dataset.interactions.histories
    all_times = np.sort(np.concatenate([history.times_ms for history in histories]))
    asked: list[tuple[int, History]] = []
    for history in filter(enough, histories):
        now = int(history.times_ms[split_point(history, HISTORY_SHARE) - 1])
        of_others = np.searchsorted(all_times, now) - np.searchsorted(history.times_ms, now)
        if of_others >= RATINGS_OF_OTHERS:
            asked.append((now, history))
    asked.sort(key=lambda pair: pair[0])
    for number, rows in enumerate(np.array_split(np.arange(len(asked)), BLOCKS)):
        if len(rows):
            start = asked[rows[0]][0]
            before = (history[history.times_ms < start] for history in histories)
            training = _training(dataset.catalogue, tuple(history for history in before if len(history)))
            scored = Scored.collect([cut(asked[row][1]) for row in rows])
            yield Split(f"block-{number}", training, scored, dataset.catalogue, training.trainable)


def cold_items(dataset: Dataset) -> Iterator[Split]:
    """Items that nobody has rated: only what they are is known."""
    for seed in COLD_SEEDS:
        yield _cold(dataset, dataset.catalogue, seed)


def cold_items_without_tags(dataset: Dataset) -> Iterator[Split]:
    """As `cold_items`; tags were written by those who rated, so they are never seen."""
    return cold_items(replace(dataset, catalogue=dataset.catalogue.without_tags()))


def cold_items_missing_50(dataset: Dataset) -> Iterator[Split]:
    """As `cold_items`; half of the texts and half of the pictures are taken away, in training too."""
    for seed in COLD_SEEDS:
        yield _cold(dataset, _without_some(dataset.catalogue, 0.5, seed), seed)


def missing(share: float) -> Protocol:
    """As `users`; after training, a share of texts and of pictures is taken away."""

    def protocol(dataset: Dataset) -> Iterator[Split]:
        whole = _users(f"missing_{round(100 * share)}", dataset)
        yield replace(whole, served=_without_some(dataset.catalogue, share, seed=0))

    return protocol


PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        "users": users,
        "new_users": new_users,
        "users_without_order": users_without_order,
        "cold_items": cold_items,
        "cold_items_without_tags": cold_items_without_tags,
        "cold_items_missing_50": cold_items_missing_50,
        "global_time": global_time,
        **{f"missing_{percent}": missing(percent / 100) for percent in (10, 30, 50, 90)},
    }
)


def _users(name: str, dataset: Dataset) -> Split:
    return later_split(name, _training(dataset.catalogue, dataset.interactions.histories))


def _cold(dataset: Dataset, catalogue: Catalogue, seed: int) -> Split:
    return cold_split(f"seed-{seed}", _training(catalogue, dataset.interactions.histories), seed)


def _training(catalogue: Catalogue, histories: tuple[History, ...]) -> Training:
    return Training(histories, catalogue, np.ones(len(catalogue), np.bool_))


def _without_some(catalogue: Catalogue, share: float, seed: int) -> Catalogue:
    """The items that lose their texts and those that lose their pictures are drawn independently."""
    random = np.random.default_rng((seed, 1))
    texts = random_share(len(catalogue), share, random)
    return catalogue.without_texts(texts).without_pictures(random_share(len(catalogue), share, random))
