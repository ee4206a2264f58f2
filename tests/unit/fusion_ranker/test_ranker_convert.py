import math
from collections.abc import Callable

import numpy as np
import pytest

from modalmesh.convert_matrices import matrix_from_proto, matrix_to_proto
from modalmesh.embeddings import Dtype, Embeddings, ModelId
from modalmesh.errors import InvalidInput, TooLarge
from modalmesh.types import Explanation, HistoryShare, ModelInfo, ModelLimits, SignalShare
from modalmesh.v1 import fusion_ranker_service_pb2 as messages
from modalmesh.v1 import types_pb2 as types
from modalmesh_services.fusion_ranker import convert
from modalmesh_services.fusion_ranker.core import EncodedUser, RankerInfo
from modalmesh_services.fusion_ranker.models.interface import ProposedItem
from modalmesh_services.fusion_ranker.requests import NO_ROW, ImageToken, ItemTokens, TextToken
from tests.unit.fusion_ranker.builders import LIMITS

VECTORS = Embeddings(np.arange(6, dtype=np.float32).reshape(2, 3), ModelId("zero-shot", "r1"))
MATRIX = matrix_to_proto(VECTORS)
HUGE = 1_000_000


def test_a_ranking_becomes_arrays() -> None:
    request = convert.rank_request(
        messages.FusionRankerRankRequest(
            vectors=MATRIX,
            history=[
                messages.HistoryEvent(item_id="a", row=0, time_ms=5, type="rating", value=4.5, positive=True),
                messages.HistoryEvent(item_id="b", time_ms=6, type="view"),
            ],
            candidates=[
                messages.Candidate(item_id="c", row=1, item_time_ms=-7, event_count=2**64 - 1),
                messages.Candidate(item_id="d"),
            ],
            request_time_ms=8,
        ),
        LIMITS,
    )
    past, ranked = request.history, request.candidates
    np.testing.assert_array_equal(request.vectors.values, VECTORS.values)
    assert (request.vectors.model, request.time_ms) == (VECTORS.model, 8)
    assert (past.item_ids, past.types) == (["a", "b"], ["rating", "view"])
    assert (past.rows.tolist(), past.times_ms.tolist(), past.positive.tolist()) == ([0, NO_ROW], [5, 6], [True, False])
    np.testing.assert_array_equal(past.values, [4.5, np.nan])
    assert (ranked.item_ids, ranked.rows.tolist()) == (["c", "d"], [1, NO_ROW])
    assert ranked.event_counts.tolist() == [2**63 - 1, 0]
    np.testing.assert_array_equal(ranked.times_ms, [-7.0, np.nan])


def test_row_zero_is_not_no_row() -> None:
    event = messages.HistoryEvent(item_id="a", row=0)
    request = messages.FusionRankerEncodeUserRequest(vectors=MATRIX, history=[event])
    assert convert.user_request(request, LIMITS).history.rows.tolist() == [0]


def test_items_keep_what_is_known_of_them() -> None:
    item = messages.ItemTokens(
        item_id="a",
        texts=[messages.TextToken(field="title", row=1)],
        images=[messages.ImageToken(kind=types.PICTURE_KIND_FRAME, row=0), messages.ImageToken(row=1)],
        attributes={"genre": types.AttributeValues(values=["noir", "crime"])},
        time_ms=-5,
        missing=[types.MODALITY_IMAGE],
    )
    request = convert.fuse_request(messages.FusionRankerFuseRequest(text=MATRIX, items=[item]), LIMITS)
    assert list(request.items) == [
        ItemTokens(
            item_id="a",
            texts=[TextToken("title", 1)],
            images=[ImageToken("frame", 0), ImageToken("picture", 1)],
            attributes={"genre": ("noir", "crime")},
            time_ms=-5,
            missing=["image"],
        )
    ]
    assert (request.text.rows, request.image.rows) == (2, 0)


def test_an_item_without_time_has_none() -> None:
    request = messages.FusionRankerFuseRequest(items=[messages.ItemTokens(item_id="a")])
    assert convert.fuse_request(request, LIMITS).items[0].time_ms is None


@pytest.mark.parametrize("dtype", list(Dtype))
def test_vectors_come_in_every_dtype(dtype: Dtype) -> None:
    request = messages.FusionRankerEncodeUserRequest(vectors=matrix_to_proto(VECTORS, dtype))
    np.testing.assert_allclose(convert.user_request(request, LIMITS).vectors.values, VECTORS.values, atol=0.05)


@pytest.mark.parametrize(
    ("matrix", "field", "reason"),
    [
        (types.EmbeddingMatrix(rows=2, dim=3, dtype=types.DATA_TYPE_F32, data=b"123"), "vectors.data", "WRONG_SIZE"),
        (types.EmbeddingMatrix(rows=1, dim=1, dtype=9, data=b"1234"), "vectors.dtype", "WRONG_DTYPE"),  # type: ignore[arg-type]
        (types.EmbeddingMatrix(rows=1, dim=1, data=b"1234"), "vectors.dtype", "WRONG_DTYPE"),
        (
            types.EmbeddingMatrix(rows=1, dim=1, dtype=types.DATA_TYPE_F32, data=np.float32(math.nan).tobytes()),
            "vectors.data",
            "NOT_FINITE",
        ),
        (types.EmbeddingMatrix(rows=71, dim=0), "vectors.rows", "TOO_LARGE"),
    ],
)
def test_a_torn_matrix_is_refused_with_its_field(matrix: types.EmbeddingMatrix, field: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        convert.rank_request(messages.FusionRankerRankRequest(vectors=matrix), LIMITS)
    assert (refused.value.field, refused.value.reason) == (field, reason)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_refused(value: float) -> None:
    events = [messages.HistoryEvent(item_id="a"), messages.HistoryEvent(item_id="b", value=value)]
    with pytest.raises(InvalidInput, match=r"history\[1\]\.value: is NaN or infinite"):
        convert.propose_request(messages.FusionRankerProposeRequest(history=events), LIMITS)


def test_an_unknown_modality_is_refused_with_its_field() -> None:
    item = messages.ItemTokens(item_id="a", missing=[types.MODALITY_TEXT, 7])  # type: ignore[list-item] # on purpose
    with pytest.raises(InvalidInput, match=r"items\[0\]\.missing\[1\]: unknown modality 7"):
        convert.fuse_request(messages.FusionRankerFuseRequest(items=[item]), LIMITS)


def empty_entries(tag: int) -> bytes:
    """A million entries of two bytes."""
    return bytes([tag << 3 | 2, 0]) * HUGE


@pytest.mark.parametrize(
    ("read", "field"),
    [
        (
            lambda: convert.rank_request(messages.FusionRankerRankRequest.FromString(empty_entries(2)), LIMITS),
            "history",
        ),
        (
            lambda: convert.rank_request(messages.FusionRankerRankRequest.FromString(empty_entries(3)), LIMITS),
            "candidates",
        ),
        (lambda: convert.fuse_request(messages.FusionRankerFuseRequest.FromString(empty_entries(3)), LIMITS), "items"),
        (lambda: convert.explain_request(messages.FusionRankerExplainRequest(explain=[0] * HUGE), LIMITS), "explain"),
        (lambda: convert.fuse_request(one_item(texts=[messages.TextToken()] * 21), LIMITS), "items.texts"),
        (lambda: convert.fuse_request(one_item(images=[messages.ImageToken()] * 21), LIMITS), "items.images"),
        (lambda: convert.fuse_request(one_item(missing=[1] * 3), LIMITS), "items[0].missing"),
        (lambda: convert.fuse_request(one_item(attributes=many_attributes()), LIMITS), "items.attributes"),
        (
            lambda: convert.fuse_request(
                one_item(attributes={"genre": types.AttributeValues(values=[""] * 31)}), LIMITS
            ),
            "items.attributes",
        ),
    ],
)
def test_too_many_entries_are_refused_before_arrays_are_made_of_them(read: Callable[[], object], field: str) -> None:
    with pytest.raises(TooLarge) as refused:
        read()
    assert refused.value.field == field


def one_item(**parts: object) -> messages.FusionRankerFuseRequest:
    item = messages.ItemTokens(item_id="a", **parts)  # type: ignore[arg-type] # parts by name
    return messages.FusionRankerFuseRequest(items=[item])


def many_attributes() -> dict[str, types.AttributeValues]:
    return {str(number): types.AttributeValues() for number in range(31)}


def test_answers_become_messages() -> None:
    weights = np.array([0.25, 0.75], np.float32)
    user = convert.user_response(EncodedUser(VECTORS, weights))
    np.testing.assert_array_equal(matrix_from_proto(user.queries, field="queries").values, VECTORS.values)
    assert list(user.weights) == [0.25, 0.75]
    assert convert.fuse_response(VECTORS).vectors.model_fingerprint == "r1"
    ranked = convert.rank_response(np.array([0.5, 0.25]), "r1")
    assert (list(ranked.probabilities), ranked.revision) == ([0.5, 0.25], "r1")
    proposed = convert.propose_response([ProposedItem("a", 0.5)], "r1")
    assert (proposed.items[0].item_id, proposed.items[0].score, proposed.revision) == ("a", 0.5, "r1")


def test_an_explanation_keeps_every_number() -> None:
    share = HistoryShare("b", 0.5, 1.0, (SignalShare("text", 0.5, 1.0),))
    explanation = Explanation("a", 0.5, -0.5, (SignalShare("text", 0.5, 1.0),), (share,))
    response = convert.explain_response([explanation], "r1")
    (message,) = response.explanations
    assert (message.item_id, message.probability, message.bias, response.revision) == ("a", 0.5, -0.5, "r1")
    assert (message.history[0].item_id, message.history[0].signals[0].contribution) == ("b", 0.5)


def test_a_model_says_which_encoders_it_was_made_for() -> None:
    info = RankerInfo(ModelInfo("zero-shot", "r1", "numpy", 3, ModelLimits(candidates=7)), "t1", "i1")
    response = convert.model_response(info)
    assert (response.model.fingerprint, response.model.dim, response.model.limits.candidates) == ("r1", 3, 7)
    assert (response.text_fingerprint, response.image_fingerprint) == ("t1", "i1")
