import numpy as np
import pytest

from modalmesh.embeddings import FloatMatrix, normalise
from modalmesh_gateway.explaining.pooling import Pooled

PARTS: FloatMatrix = np.random.default_rng(0).normal(1.0, 1.0, (5, 8)).astype(np.float32)


def mean_of(parts: FloatMatrix) -> FloatMatrix:
    vector: FloatMatrix = normalise(parts.mean(axis=0, keepdims=True))[0]
    return vector


def test_where_the_mean_is_taken_it_is_exact() -> None:
    pooled = Pooled(mean_of(PARTS), PARTS)
    assert pooled.fit == pytest.approx(1.0)
    without = pooled.without([1, 3])
    assert without is not None
    np.testing.assert_allclose(without, mean_of(PARTS[[0, 2, 4]]), atol=1e-6)


def test_another_pooling_starts_from_its_own_vector_and_says_how_far_off_it_is() -> None:
    special = mean_of(np.concatenate([PARTS, 2 * PARTS[:1]]))
    pooled = Pooled(special, PARTS)
    assert 0.9 < pooled.fit < 0.9999
    without = pooled.without([4])
    assert without is not None
    assert without @ mean_of(PARTS[4:]) < special @ mean_of(PARTS[4:])


def test_without_all_of_its_parts_nothing_is_left() -> None:
    assert Pooled(mean_of(PARTS), PARTS).without(range(5)) is None
