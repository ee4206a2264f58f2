from collections.abc import Sequence

import numpy as np
import pytest

from modalmesh_services.fusion_ranker.dataset import Catalogue, History
from modalmesh_services.fusion_ranker.dataset.arrays import Floats, Times
from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation import measuring, protocols
from modalmesh_services.fusion_ranker.evaluation.baselines import Ease
from modalmesh_services.fusion_ranker.evaluation.protocols import PROTOCOLS
from modalmesh_services.fusion_ranker.evaluation.results import SystemResult


def test_a_system_that_knows_the_camps_hits_and_says_for_whom(made: Dataset) -> None:
    (split,) = protocols.users(made)
    measured = measuring.measure(Ease(5).fit(split.training), split)
    assert measured.user_ids == tuple(history.user_id for history in split.scored.histories)
    # 18 unseen items of the own camp are ranked before the other, and 3 of them are targets.
    assert measured.figures["recall@20"].mean() > 0.9


def test_pairs_are_all_that_is_held_out_in_units_of_the_user_s_own_scores(made: Dataset) -> None:
    (split,) = protocols.users(made)
    fitted = Ease(5).fit(split.training)
    measured = measuring.measure(fitted, split)
    scores = fitted.score(split.scored.histories[-1:], split.scored.times_ms[-1:])[0]
    own = measured.pair_users == len(split.scored) - 1
    held_out = [*split.scored.targets[-1], *split.scored.disliked[-1]]
    np.testing.assert_allclose(
        measured.pair_scores[own], (scores[held_out] - scores.mean()) / scores.std(), rtol=1e-4, atol=1e-5
    )
    assert measured.pair_liked[own].tolist() == [True, True, True, False]


def test_groups_say_nothing_of_users_without_such_targets(made: Dataset) -> None:
    (split, *_) = protocols.cold_items(made)
    figures = measuring.measure(Ease(5).fit(split.training), split).figures
    assert np.isnan(figures["recall@20.warm"]).all()
    np.testing.assert_array_equal(figures["recall@20.cold"], figures["recall@20"])


def test_a_group_s_ndcg_counts_its_own_targets_alone(made: Dataset) -> None:
    (split,) = PROTOCOLS["missing_50"](made)
    figures = measuring.measure(Ease(5).fit(split.training), split).figures
    np.testing.assert_array_equal(figures["ndcg@10.warm"], figures["ndcg@10"])
    assert np.isnan(figures["ndcg@10.with_picture"]).all()


class Sure:
    """Gives every item the same probability."""

    def score(self, histories: Sequence[History], times_ms: Times) -> Floats:
        return np.zeros((len(histories), 60), np.float32)

    def serving(self, catalogue: Catalogue) -> "Sure":
        return self

    def probabilities(self, scores: Floats, histories: Sequence[History], times_ms: Times) -> Floats:
        return np.full_like(scores, 0.9)


def test_a_system_s_own_probabilities_are_those_that_are_judged(made: Dataset) -> None:
    (split,) = protocols.users(made)
    ours, fitted = (measuring.measure(each, split) for each in (Sure(), Ease(5).fit(split.training)))
    assert SystemResult.collect([ours], 0.0, ["users"]).pair_probabilities == pytest.approx(0.9)
    assert np.isnan(fitted.pair_probabilities).all()
    assert SystemResult.collect([fitted], 0.0, ["users"]).pair_probabilities.std() > 0
