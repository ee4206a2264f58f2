from collections.abc import Iterator

import numpy as np
import pytest

from modalmesh.embeddings import Dtype, ModelId
from modalmesh.errors import InvalidInput, ModelMismatch
from modalmesh.item_embeddings import ItemEmbeddings
from modalmesh_services.fusion_ranker.dataset.embeddings import Embeddings


class Mesh:
    """Gives out one text vector an item: its position."""

    def __init__(self, *fingerprints: str) -> None:
        self._models = [ModelId("bert", fingerprint) for fingerprint in fingerprints]

    def get_embeddings(self, *, dtype: Dtype = Dtype.F16, timeout: float | None = None) -> Iterator[ItemEmbeddings]:
        none = np.zeros((0, 3), np.float32)
        for row, model in enumerate(self._models):
            yield ItemEmbeddings(
                f"i{row}",
                np.full((1, 2), row, np.float32),
                ["title"],
                none,
                [],
                text_model=model,
                image_model=ModelId(),
            )


def test_vectors_follow_the_catalogue_s_order() -> None:
    text, image = Embeddings.read(Mesh("a", "a", "a")).of_items(["i2", "new", "i0"])
    vectors, present = text.pooled()
    np.testing.assert_array_equal(vectors, [[2, 2], [0, 0], [0, 0]])
    assert present.tolist() == [True, False, True]
    assert not image.present().any()


def test_vectors_of_two_models_are_refused() -> None:
    with pytest.raises(ModelMismatch, match="text vectors of 2 models"):
        Embeddings.read(Mesh("a", "b"))


def test_vectors_of_another_catalogue_are_refused() -> None:
    with pytest.raises(InvalidInput, match="of no item of this catalogue"):
        Embeddings.read(Mesh("a")).of_items(["x", "y"])
