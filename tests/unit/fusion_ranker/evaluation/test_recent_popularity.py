import numpy as np

from modalmesh.types import Item
from modalmesh_services.fusion_ranker.dataset.reading import build_catalogue
from modalmesh_services.fusion_ranker.evaluation.baselines import RecentPopularity
from modalmesh_services.fusion_ranker.systems.interface import Training
from tests.unit.fusion_ranker.evaluation.conftest import made_history

DAY_MS = 86_400_000


def test_a_like_weighs_half_after_its_half_life_and_nothing_before_it_was_given() -> None:
    histories = [made_history(0, [0], [True]), made_history(1, [1], [True], start_ms=10 * DAY_MS)]
    training = Training(histories, build_catalogue([Item("a"), Item("b")]), np.ones(2, np.bool_))
    asked = np.array([5 * DAY_MS, 10 * DAY_MS], np.int64)
    scores = RecentPopularity(half_life_days=5).fit(training).score(histories, asked)
    np.testing.assert_allclose(scores, [[0.5, 0], [0.25, 1]])
