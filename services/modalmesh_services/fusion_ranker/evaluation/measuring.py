"""One fitted system on one split: figures of each user, and of held-out pairs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from modalmesh_services.fusion_ranker import ranking
from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes
from modalmesh_services.fusion_ranker.evaluation import beyond
from modalmesh_services.fusion_ranker.evaluation.splits import Split
from modalmesh_services.fusion_ranker.systems.interface import Fitted, GivesProbabilities

LENGTHS = (10, 20)
CHOSEN_BY = "ndcg@10"
"""The figure by which the better of two systems is known."""

_BATCH = 64
"""Users scored at once: some MB an array over ten thousand items."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Of U users. `figures` by name, such as ndcg@10: (U,) float32, NaN for a user whom a figure says nothing of.

    P held-out pairs: `pair_users` (P,) int32 into `user_ids`, `pair_scores` (P,) float32 in units of the spread of
    the user's own scores, `pair_liked` (P,) bool; `pair_probabilities` (P,) float32 is NaN of a system that gives
    none. `lists` (U, 10) int32 are the best items, -1 where there are fewer, of `ranked` items that could be in them.
    """

    user_ids: tuple[str, ...]
    figures: Mapping[str, Floats]
    pair_users: Indexes
    pair_scores: Floats
    pair_liked: Flags
    pair_probabilities: Floats
    lists: Indexes
    ranked: int


def measure(fitted: Fitted, split: Split) -> Measured:
    """Score the split's users, with the catalogue as it is served, and compare with what is held out."""
    scored = split.scored
    lists: list[Indexes] = []
    pairs: list[tuple[Floats, Floats]] = []
    served = fitted.serving(split.served)
    for start, scores in _scores(served, split):
        lists.append(_lists(scores, start, split, max(LENGTHS)))
        told = _probabilities(served, scores, start, split)
        for place, (row, own) in enumerate(zip(scores, told, strict=True)):
            held_out = _held_out(split, start + place)
            pairs.append((_standardised(row, split.ranked)[held_out], own[held_out]))
    best = np.concatenate(lists)
    counts = [(len(liked), len(rest)) for liked, rest in zip(scored.targets, scored.disliked, strict=True)]
    return Measured(
        tuple(history.user_id for history in scored.histories),
        {**_hits(best, scored.targets), **_beyond(best[:, :10], split), **_groups(best, split)},
        np.repeat(np.arange(len(counts), dtype=np.int32), [sum(both) for both in counts]),
        np.concatenate([own for own, _ in pairs]),
        np.concatenate([np.arange(sum(both)) < both[0] for both in counts]),
        np.concatenate([own for _, own in pairs]),
        best[:, : LENGTHS[0]],
        int(split.ranked.sum()),
    )


def quality(fitted: Fitted, split: Split) -> float:
    """The mean of CHOSEN_BY alone, to choose by."""
    served = fitted.serving(split.served)
    lists = np.concatenate([_lists(scores, start, split, LENGTHS[0]) for start, scores in _scores(served, split)])
    counts = np.array([len(own) for own in split.scored.targets], np.int32)
    return float(ranking.ndcg(ranking.hits(lists, split.scored.targets), counts).mean())


def _scores(served: Fitted, split: Split) -> Iterator[tuple[int, Floats]]:
    """The first user of a batch, and the batch's scores."""
    for start in range(0, len(split.scored), _BATCH):
        batch = slice(start, start + _BATCH)
        yield start, served.score(split.scored.histories[batch], split.scored.times_ms[batch])


def _lists(scores: Floats, start: int, split: Split, length: int) -> Indexes:
    histories = split.scored.histories[start : start + len(scores)]
    return ranking.ranked_lists(scores, histories, split.ranked, length)


def _probabilities(served: Fitted, scores: Floats, start: int, split: Split) -> Floats:
    """(U, N) float32: the system's own, NaN where it has none."""
    if not isinstance(served, GivesProbabilities):
        return np.broadcast_to(np.float32(np.nan), scores.shape)
    batch = slice(start, start + len(scores))
    return served.probabilities(scores, split.scored.histories[batch], split.scored.times_ms[batch])


def _held_out(split: Split, user: int) -> Indexes:
    return np.concatenate([split.scored.targets[user], split.scored.disliked[user]])


def _standardised(scores: Floats, ranked: Flags) -> Floats:
    """(N,): users with long histories have higher sums than others, and no higher probabilities."""
    own = scores[ranked]
    return np.asarray((scores - own.mean()) / max(float(own.std()), 1e-12), np.float32)


def _hits(lists: Indexes, targets: tuple[Indexes, ...]) -> dict[str, Floats]:
    hit, counts = ranking.hits(lists, targets), np.array([len(own) for own in targets], np.int32)
    figures: dict[str, Floats] = {"mrr": ranking.reciprocal_rank(hit)}
    for length in LENGTHS:
        head = hit[:, :length]
        figures |= {
            f"ndcg@{length}": ranking.ndcg(head, counts),
            f"recall@{length}": ranking.recall(head, counts),
            f"precision@{length}": ranking.precision(head),
            f"f1@{length}": ranking.f1(head, counts),
            f"hit_rate@{length}": ranking.hit_rate(head),
        }
    return figures


def _beyond(lists: Indexes, split: Split) -> dict[str, Floats]:
    histories = split.training.histories
    likes = _counts([history[history.positive] for history in histories], len(split.ranked))
    vectors, present = split.training.catalogue.text.pooled()
    figures = {
        "novelty@10": beyond.novelty(lists, likes, len(histories)),
        "popularity_bias@10": beyond.popularity_bias(lists, likes),
    }
    # What has no text vectors is compared by its attributes.
    content = vectors if present.any() else np.asarray(split.training.catalogue.attributes.values.toarray())
    return figures | {"diversity@10": beyond.diversity(lists, content)}


def _groups(lists: Indexes, split: Split) -> dict[str, Floats]:
    """Figures of the targets of one kind alone."""
    events = _counts(split.training.histories, len(split.ranked))
    picture, text = split.served.image.present(), split.served.text.present()
    groups = {
        "cold": events == 0,
        "warm": events > 0,
        "with_picture": picture,
        "without_picture": ~picture,
        "with_text": text,
        "without_text": ~text,
    }
    figures: dict[str, Floats] = {}
    for name, group in groups.items():
        within = [own[group[own]] for own in split.scored.targets]
        hit, counts = ranking.hits(lists, within), np.array([len(own) for own in within], np.int32)
        asked = {f"ndcg@10.{name}": ranking.ndcg(hit[:, :10], counts), f"recall@20.{name}": ranking.recall(hit, counts)}
        figures |= {figure: np.where(counts > 0, own, np.float32(np.nan)) for figure, own in asked.items()}
    return figures


def _counts(histories: Sequence[History], item_count: int) -> Floats:
    """(N,) float32: in how many histories an item is."""
    items = [np.unique(history.items) for history in histories]
    return np.bincount(np.concatenate([np.zeros(0, np.int32), *items]), minlength=item_count).astype(np.float32)
