import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Flags
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content import content_of, schema_of
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content_blocks import ContentBlocks, Encoded
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.missing import Completion, lacks_text
from tests.unit.fusion_ranker.systems.modalmesh.cold.made import cold_rows, world

COUNT = 120


def encoded(hidden: Flags | None = None) -> Encoded:
    """The world, whose flagged items lack text and picture besides those that always do."""
    catalogue = world().catalogue
    blocks = ContentBlocks.fit(content_of(catalogue, schema_of(catalogue)), ~cold_rows(COUNT))
    if hidden is not None:
        catalogue = catalogue.without_texts(hidden).without_pictures(hidden)
    return blocks.transform(content_of(catalogue, schema_of(catalogue)))


def test_what_is_there_stays_and_what_is_absent_is_predicted() -> None:
    cold = cold_rows(COUNT)
    whole, torn = encoded(), encoded(cold)
    filled = Completion.fit(torn, ~cold, "both").fill(torn)
    for name in ("title", "image"):
        there = torn.present[name]
        np.testing.assert_array_equal(filled.dense[name][there], torn.dense[name][there])
        hidden = cold & whole.present[name]
        made, real = filled.dense[name][hidden], whole.dense[name][hidden]
        assert np.square(made - real).sum() < 0.8 * np.square(real).sum()


def test_filling_in_the_mean_says_nothing() -> None:
    torn = encoded(cold_rows(COUNT))
    completion = Completion.fit(torn, ~cold_rows(COUNT), "mean")
    assert not completion.fill(torn).dense["image"][cold_rows(COUNT)].any()
    assert completion.token(torn).shape == (COUNT, 0)


def test_a_token_is_of_items_without_any_text() -> None:
    torn = encoded()
    token = Completion.fit(torn, ~cold_rows(COUNT), "token").token(torn)
    np.testing.assert_array_equal(token[:, 0] > 0, np.arange(COUNT) % 7 == 0)


def test_a_gated_token_says_what_else_is_known() -> None:
    torn = encoded()
    token = Completion.fit(torn, ~cold_rows(COUNT), "both").token(torn)
    assert token.shape[1] > 1
    assert not token[~lacks_text(torn)].any()
