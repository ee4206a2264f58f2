import numpy as np
import pytest

from modalmesh_services.fusion_ranker.evaluation.calibration import probabilities
from modalmesh_services.fusion_ranker.evaluation.pairs import calibration_error

RANDOM = np.random.default_rng(0)
SCORES = RANDOM.normal(0, 5, 4000).astype(np.float32)
LIKED = RANDOM.random(4000) < 1 / (1 + np.exp(1 - 0.4 * SCORES))
USERS = RANDOM.integers(0, 50, 4000).astype(np.int32)


def test_scores_of_any_scale_become_calibrated() -> None:
    assert calibration_error(probabilities(SCORES, LIKED, USERS), LIKED) < 0.03


def test_a_user_s_own_labels_decide_nothing_of_his_probabilities() -> None:
    own = USERS == 3
    before, after = (probabilities(SCORES, labels, USERS)[own] for labels in (LIKED, LIKED ^ own))
    np.testing.assert_array_equal(before, after)


def test_one_class_gets_its_share() -> None:
    found = probabilities(SCORES, np.ones(4000, np.bool_), USERS)
    assert found == pytest.approx(1)
