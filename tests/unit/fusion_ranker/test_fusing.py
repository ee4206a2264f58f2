import numpy as np
import pytest

from modalmesh.embeddings import Embeddings, FloatMatrix, normalise
from modalmesh_services.fusion_ranker.models.fusing import present, split
from modalmesh_services.fusion_ranker.models.zero_shot import ZeroShotConfig, ZeroShotRanker
from modalmesh_services.fusion_ranker.requests import FuseRequest, ImageToken, ItemTokens, TextToken

TEXT = np.array([[1.0, 0.0], [0.0, 5.0], [-1.0, 0.0]], dtype=np.float32)
IMAGE = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], dtype=np.float32)


def fuse(*items: ItemTokens, **weights: float) -> FloatMatrix:
    ranker = ZeroShotRanker(ZeroShotConfig(text_dim=2, image_dim=3, **weights))  # type: ignore[arg-type]  # all are floats
    return ranker.fuse(FuseRequest(Embeddings(TEXT), Embeddings(IMAGE), items))


def test_an_item_is_its_text_part_beside_its_image_part() -> None:
    item = ItemTokens("a", [TextToken("title", 0)], [ImageToken("picture", 2)])
    np.testing.assert_allclose(fuse(item), [[1, 0, 0, 0, 1]])


def test_a_part_is_the_mean_of_its_tokens_at_length_one() -> None:
    item = ItemTokens("a", [TextToken("title", 0), TextToken("description", 1)])
    text, _ = split(fuse(item), 2)
    np.testing.assert_allclose(text, [[2**-0.5, 2**-0.5]], rtol=1e-6)


def test_text_fields_count_by_their_weights() -> None:
    item = ItemTokens("a", [TextToken("title", 0), TextToken("tags", 1)])
    text, _ = split(fuse(item, tags_weight=3.0), 2)
    np.testing.assert_allclose(text, normalise(np.array([[1, 3]], np.float32)), rtol=1e-6)


def test_all_frames_together_count_as_one_picture() -> None:
    frames = [ImageToken("frame", 1), ImageToken("frame", 2)]
    _, image = split(fuse(ItemTokens("a", images=[ImageToken("picture", 0), *frames])), 2)
    np.testing.assert_allclose(image, normalise(np.array([[1, 0.5, 0.5]], np.float32)), rtol=1e-6)


@pytest.mark.parametrize(
    ("item", "has_text", "has_image"),
    [
        (ItemTokens("a", texts=[TextToken("title", 1)]), True, False),
        (ItemTokens("a", images=[ImageToken("picture", 1)]), False, True),
        (ItemTokens("a", attributes={"genre": ("noir",)}, missing=("text", "image")), False, False),
    ],
)
def test_what_is_missing_is_zeros_and_known_to_be(item: ItemTokens, has_text: bool, has_image: bool) -> None:
    text, image = split(fuse(item), 2)
    assert (present(text)[0], present(image)[0]) == (has_text, has_image)
    assert text.any() == has_text
    assert image.any() == has_image


def test_texts_that_cancel_out_say_nothing() -> None:
    text, _ = split(fuse(ItemTokens("a", [TextToken("title", 0), TextToken("description", 2)])), 2)
    assert not present(text).any()


def test_items_come_out_in_the_order_they_went_in() -> None:
    items = [ItemTokens(str(row), images=[ImageToken("picture", row)]) for row in (2, 0, 1)]
    np.testing.assert_allclose(fuse(*items)[:, 2:], IMAGE[[2, 0, 1]])


def test_more_tokens_than_are_worked_on_at_once_come_out_the_same() -> None:
    items = [ItemTokens(str(number), images=[ImageToken("picture", number % 3)] * 2) for number in range(1000)]
    np.testing.assert_allclose(fuse(*items)[:, 2:], IMAGE[np.arange(1000) % 3])
