from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from modalmesh.embeddings import Embeddings, FloatMatrix, ModelId
from modalmesh.errors import InvalidInput, ModelMismatch, TooLarge
from modalmesh_services.fusion_ranker.requests import (
    NO_ROW,
    ExplainRequest,
    FuseRequest,
    ImageToken,
    ItemTokens,
    ProposeRequest,
    RankRequest,
    TextToken,
    UserRequest,
)
from modalmesh_services.fusion_ranker.validation import (
    check_explain,
    check_fuse,
    check_propose,
    check_rank,
    check_user,
)
from tests.unit.fusion_ranker.builders import (
    IMAGE_DIM,
    LIMITS,
    RANKER,
    TEXT_DIM,
    fused,
    history,
    ranking,
)

MODEL = RANKER.description
VECTORS: FloatMatrix = np.ones((10, MODEL.fused_dim), dtype=np.float32)
RANKING = ranking(VECTORS, liked=[0, 1], ranked=[2, 3, 4])
LONG = "x" * 257


def refused_rank(request: RankRequest) -> InvalidInput:
    with pytest.raises(InvalidInput) as refused:
        check_rank(request, MODEL, LIMITS)
    return refused.value


def test_a_sound_ranking_passes() -> None:
    check_rank(RANKING, MODEL, LIMITS)
    check_rank(replace(RANKING, history=history([NO_ROW, 0, 0])), MODEL, LIMITS)
    check_rank(ranking(VECTORS, liked=[], ranked=[NO_ROW, 5]), MODEL, LIMITS)


@pytest.mark.parametrize(
    ("ids", "field", "reason"),
    [
        (["a", "", "c"], "candidates[1].item_id", "EMPTY"),
        (["a", "b", "a"], "candidates[2].item_id", "DUPLICATE_ID"),
        (["a", "b", LONG], "candidates[2].item_id", "TOO_LARGE"),
    ],
)
def test_ids_of_candidates_are_checked(ids: Sequence[str], field: str, reason: str) -> None:
    error = refused_rank(replace(RANKING, candidates=replace(RANKING.candidates, item_ids=ids)))
    assert (error.field, error.reason) == (field, reason)


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"item_ids": ["a", ""]}, "history[1].item_id", "EMPTY"),
        ({"item_ids": [LONG, "b"]}, "history[0].item_id", "TOO_LARGE"),
        ({"types": ["rating", "x" * 1025]}, "history[1].type", "TOO_LARGE"),
        ({"times_ms": np.array([5, -1])}, "history[1].time_ms", "NEGATIVE_TIME"),
        ({"values": np.array([np.nan, np.inf])}, "history[1].value", "NOT_FINITE"),
        ({"rows": np.array([0, 10])}, "history[1].row", "OUT_OF_RANGE"),
        ({"rows": np.array([0, -2])}, "history[1].row", "OUT_OF_RANGE"),
    ],
)
def test_events_are_checked_one_by_one(change: dict[str, object], field: str, reason: str) -> None:
    error = refused_rank(replace(RANKING, history=replace(RANKING.history, **change)))  # type: ignore[arg-type] # by name
    assert (error.field, error.reason) == (field, reason)


def test_a_variation_has_the_id_of_a_candidate_before_it() -> None:
    varied = replace(RANKING.candidates, item_ids=["a", "b", "a"], variations=np.array([False, False, True]))
    check_rank(replace(RANKING, candidates=varied), MODEL, LIMITS)


@pytest.mark.parametrize(
    ("ids", "variations", "field", "reason"),
    [
        (["a", "b", "c"], [0, 0, 1], "candidates[2].variation", "UNKNOWN_ITEM"),
        (["a", "b", "b"], [1, 0, 1], "candidates[0].variation", "UNKNOWN_ITEM"),
        (["a", "a", "a"], [0, 0, 1], "candidates[1].item_id", "DUPLICATE_ID"),
    ],
)
def test_other_variations_are_refused(ids: Sequence[str], variations: Sequence[int], field: str, reason: str) -> None:
    varied = replace(RANKING.candidates, item_ids=ids, variations=np.array(variations, np.bool_))
    error = refused_rank(replace(RANKING, candidates=varied))
    assert (error.field, error.reason) == (field, reason)


def test_variations_of_an_item_are_fused_where_they_are_asked_for() -> None:
    check_fuse(FuseRequest(TEXT, IMAGE, [ITEM, ITEM], variations=True), MODEL, LIMITS)


def test_a_history_may_name_an_item_twice() -> None:
    check_rank(replace(RANKING, history=history([0, 0, 1])), MODEL, LIMITS)


@pytest.mark.parametrize(
    ("request_", "field", "reason"),
    [
        (ranking(VECTORS, [0], []), "candidates", "EMPTY"),
        (ranking(VECTORS, [0], [3, 10]), "candidates[1].row", "OUT_OF_RANGE"),
        (ranking(VECTORS, [0], [3], [-1]), "candidates[0].event_count", "OUT_OF_RANGE"),
        (ranking(VECTORS, [0], range(51)), "candidates", "TOO_LARGE"),
        (ranking(VECTORS, [0] * 21, [1]), "history", "TOO_LARGE"),
        (ranking(np.ones((71, MODEL.fused_dim), np.float32), [0], [1]), "vectors.rows", "TOO_LARGE"),
        (ranking(np.ones((2, 7), np.float32), [0], [1]), "vectors.dim", "WRONG_DIM"),
        (ranking(VECTORS * 2e6, [0], [1]), "vectors.data", "OUT_OF_RANGE"),
        (ranking(VECTORS * -2e6, [0], [1]), "vectors.data", "OUT_OF_RANGE"),
        (replace(RANKING, time_ms=-1), "request_time_ms", "NEGATIVE_TIME"),
    ],
)
def test_a_wrong_ranking_is_refused_with_its_field(request_: RankRequest, field: str, reason: str) -> None:
    error = refused_rank(request_)
    assert (error.field, error.reason) == (field, reason)


def test_vectors_of_another_revision_are_never_ranked() -> None:
    other = replace(RANKING, vectors=fused(np.ones((10, 7), np.float32), "another"))
    with pytest.raises(ModelMismatch, match=r"vectors\.model_fingerprint: vectors of 'another' where"):
        check_rank(other, MODEL, LIMITS)


def test_a_history_of_another_revision_has_no_queries() -> None:
    with pytest.raises(ModelMismatch):
        check_user(UserRequest(fused(VECTORS, ""), history([0]), 0), MODEL, LIMITS)
    with pytest.raises(InvalidInput, match=r"history\[0\]\.row"):
        check_user(UserRequest(fused(VECTORS), history([10]), 0), MODEL, LIMITS)


@pytest.mark.parametrize(("limit", "reason"), [(0, "OUT_OF_RANGE"), (-1, "OUT_OF_RANGE"), (51, "TOO_LARGE")])
def test_a_proposal_has_bounds(limit: int, reason: str) -> None:
    check_propose(ProposeRequest(history([99]), 50, 0), LIMITS)
    with pytest.raises(InvalidInput) as refused:
        check_propose(ProposeRequest(history([99]), limit, 0), LIMITS)
    assert (refused.value.field, refused.value.reason) == ("limit", reason)


@pytest.mark.parametrize(
    ("explain", "field", "reason"),
    [
        ((), "explain", "EMPTY"),
        ((0, 3), "explain[1]", "OUT_OF_RANGE"),
        ((-1,), "explain[0]", "OUT_OF_RANGE"),
        # 2 events allow 30.
        ((0,) * 31, "explain", "TOO_LARGE"),
    ],
)
def test_what_is_explained_is_among_the_candidates(explain: Sequence[int], field: str, reason: str) -> None:
    check_explain(ExplainRequest(RANKING, (2, 0)), MODEL, LIMITS)
    with pytest.raises(InvalidInput) as refused:
        check_explain(ExplainRequest(RANKING, explain), MODEL, LIMITS)
    assert (refused.value.field, refused.value.reason) == (field, reason)


TEXT = Embeddings(np.ones((3, TEXT_DIM), np.float32), ModelId("bert", "t1"))
IMAGE = Embeddings(np.ones((2, IMAGE_DIM), np.float32), ModelId("resnet", "i1"))
ITEM = ItemTokens("a", [TextToken("title", 2)], [ImageToken("picture", 1)])
NOTHING = Embeddings(np.zeros((0, 5), np.float32))


def test_sound_items_pass_whatever_they_lack() -> None:
    check_fuse(FuseRequest(TEXT, IMAGE, [ITEM, ItemTokens("b")]), MODEL, LIMITS)
    check_fuse(FuseRequest(NOTHING, IMAGE, [replace(ITEM, texts=())]), MODEL, LIMITS)


@pytest.mark.parametrize(
    ("items", "field", "reason"),
    [
        ([], "items", "EMPTY"),
        ([ItemTokens(str(number)) for number in range(6)], "items", "TOO_LARGE"),
        ([ITEM, ITEM], "items[1].item_id", "DUPLICATE_ID"),
        ([ItemTokens("")], "items[0].item_id", "EMPTY"),
        ([ItemTokens("a", [TextToken("title", 0), TextToken("body", 0)])], "items[0].texts[1].field", "UNKNOWN_FIELD"),
        ([ItemTokens("a", [TextToken("title", 3)])], "items[0].texts[0].row", "OUT_OF_RANGE"),
        ([ItemTokens("a", images=[ImageToken("frame", 2)])], "items[0].images[0].row", "OUT_OF_RANGE"),
        ([ItemTokens("a", images=[ImageToken("frame", NO_ROW)])], "items[0].images[0].row", "OUT_OF_RANGE"),
        ([ItemTokens("a", [TextToken("title", 0)] * 21)], "items.texts", "TOO_LARGE"),
        ([ItemTokens("a", images=[ImageToken("frame", 0)] * 21)], "items.images", "TOO_LARGE"),
        ([ItemTokens("a", attributes={"genre": ["x"] * 31})], "items.attributes", "TOO_LARGE"),
        ([ItemTokens("a", attributes={"genre": ["x" * 1025]})], "items[0].attributes", "TOO_LARGE"),
    ],
)
def test_wrong_items_are_refused_with_their_field(items: Sequence[ItemTokens], field: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_fuse(FuseRequest(TEXT, IMAGE, items), MODEL, LIMITS)
    assert (refused.value.field, refused.value.reason) == (field, reason)


@pytest.mark.parametrize(
    ("text", "image", "field"),
    [
        (replace(TEXT, values=np.ones((21, TEXT_DIM), np.float32)), IMAGE, "text.rows"),
        (replace(TEXT, values=np.ones((3, TEXT_DIM + 1), np.float32)), IMAGE, "text.dim"),
        (TEXT, replace(IMAGE, values=np.ones((2, 1), np.float32)), "image.dim"),
        (TEXT, replace(IMAGE, values=np.full((2, IMAGE_DIM), 3e38, np.float32)), "image.data"),
    ],
)
def test_wrong_matrices_are_refused_with_their_field(text: Embeddings, image: Embeddings, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_fuse(FuseRequest(text, image, [ITEM]), MODEL, LIMITS)
    assert refused.value.field == field


def test_a_model_made_for_encoders_takes_no_others() -> None:
    model = replace(MODEL, text_fingerprint="t1", image_fingerprint="i2")
    with pytest.raises(ModelMismatch, match=r"image\.model_fingerprint: vectors of 'i1' where 'i2'"):
        check_fuse(FuseRequest(TEXT, IMAGE, [ITEM]), model, LIMITS)
    check_fuse(FuseRequest(TEXT, NOTHING, [replace(ITEM, images=())]), model, LIMITS)


def test_long_names_are_not_repeated_in_what_is_said() -> None:
    item = ItemTokens("a", [TextToken("y" * 10_000, 0)])
    with pytest.raises(InvalidInput) as refused:
        check_fuse(FuseRequest(TEXT, IMAGE, [item]), MODEL, LIMITS)
    assert len(str(refused.value)) < 200
    assert not isinstance(refused.value, TooLarge)
