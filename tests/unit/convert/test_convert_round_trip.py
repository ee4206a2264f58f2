"""What callers speak of comes back from its message as it went in, over the wire's own bytes."""

from typing import Any, get_args

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from modalmesh import convert, types
from modalmesh.v1 import recommender_service_pb2 as recommender
from modalmesh.v1 import types_pb2 as messages

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
INT64 = st.integers(-(2**63), 2**63 - 1)
UINT32 = st.integers(0, 2**32 - 1)
UINT64 = st.integers(0, 2**64 - 1)
NUMBER = st.floats(allow_nan=False)


def several(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=3).map(tuple)


PICTURES = st.builds(types.Picture, st.binary(max_size=9), TEXT, st.sampled_from(get_args(types.PictureKind)), TEXT)
ITEMS = st.builds(
    types.Item,
    item_id=TEXT,
    title=TEXT,
    description=TEXT,
    tags=several(TEXT),
    pictures=several(PICTURES),
    videos=several(st.builds(types.Video, st.binary(max_size=9), TEXT, TEXT)),
    attributes=st.dictionaries(TEXT, several(TEXT), max_size=3),
    time_ms=st.none() | INT64,
    revision=UINT64,
    pending=several(st.sampled_from(get_args(types.Modality))),
)
EVENTS = st.builds(types.Event, TEXT, TEXT, INT64, TEXT, st.none() | NUMBER, TEXT)
SIGNALS = several(st.builds(types.SignalShare, TEXT, NUMBER, NUMBER))
HISTORY_SHARES = several(st.builds(types.HistoryShare, TEXT, NUMBER, NUMBER, SIGNALS))
WORD_SHARES = several(st.builds(types.WordShare, TEXT, UINT32, UINT32, TEXT, NUMBER, NUMBER))
EDGE = st.floats(0, 1, width=32)
REGION_SHARES = several(st.builds(types.RegionShare, UINT32, EDGE, EDGE, EDGE, EDGE, NUMBER, NUMBER))
EXPLANATIONS = st.builds(
    types.Explanation,
    TEXT,
    NUMBER,
    NUMBER,
    SIGNALS,
    HISTORY_SHARES,
    TEXT,
    WORD_SHARES,
    REGION_SHARES,
    NUMBER,
    NUMBER,
)
RANKED = st.builds(types.RankedItem, TEXT, NUMBER, TEXT, st.none() | EXPLANATIONS)
SERVED = st.builds(types.Served, TEXT, several(st.builds(types.Lack, TEXT, TEXT)), TEXT, UINT64)
REFUSALS = st.builds(types.Refusal, TEXT, UINT64, TEXT, TEXT, TEXT)
UPSERTS = st.builds(
    types.UpsertSummary, UINT64, UINT64, UINT64, several(REFUSALS), UINT64, UINT64, UINT64, UINT64, UINT64, UINT64
)
WIDE_LIMITS = {"text_bytes", "image_bytes", "image_pixels", "video_bytes"}
LIMITS = st.builds(
    types.ModelLimits,
    **{name: UINT64 if name in WIDE_LIMITS else UINT32 for name in types.ModelLimits.__dataclass_fields__},
)
MODELS = st.builds(types.ModelInfo, TEXT, TEXT, TEXT, UINT32, LIMITS)
STATUSES = st.builds(
    types.Status,
    TEXT,
    several(st.builds(types.ServiceStatus, TEXT, TEXT, st.booleans(), TEXT, st.none() | MODELS)),
    st.builds(types.StoreStatus, st.booleans(), TEXT, TEXT, st.booleans(), UINT64),
    several(st.builds(types.NamespaceStatus, TEXT, UINT64, UINT64, UINT64, UINT64, UINT64, UINT64)),
    st.builds(types.CacheStatus, UINT64, UINT64, UINT64, UINT64),
)


def wired(message: Message) -> Any:
    """The message that the other side reads."""
    return type(message).FromString(message.SerializeToString())


@given(ITEMS)
def test_items(item: types.Item) -> None:
    assert convert.item_from_proto(wired(convert.item_to_proto(item))) == item


@given(EVENTS)
def test_events(event: types.Event) -> None:
    assert convert.event_from_proto(wired(convert.event_to_proto(event))) == event


@given(EXPLANATIONS)
def test_explanations(explanation: types.Explanation) -> None:
    assert convert.explanation_from_proto(wired(convert.explanation_to_proto(explanation))) == explanation


@given(RANKED)
def test_ranked_items(ranked: types.RankedItem) -> None:
    assert convert.ranked_item_from_proto(wired(convert.ranked_item_to_proto(ranked))) == ranked


@given(SERVED)
def test_how_an_answer_was_served(served: types.Served) -> None:
    message = wired(convert.served_to_proto(served))
    assert convert.served_from_proto(message) == served
    assert message.degraded == bool(served.lacked)


@given(REFUSALS)
def test_refusals(refusal: types.Refusal) -> None:
    assert convert.refusal_from_proto(wired(convert.refusal_to_proto(refusal))) == refusal


@given(UPSERTS)
def test_upsert_summaries(summary: types.UpsertSummary) -> None:
    assert convert.upsert_summary_from_proto(wired(convert.upsert_summary_to_proto(summary))) == summary


@given(MODELS)
def test_models(model: types.ModelInfo) -> None:
    assert convert.model_from_proto(wired(convert.model_to_proto(model))) == model


@given(STATUSES)
def test_statuses(status: types.Status) -> None:
    assert convert.status_from_proto(wired(convert.status_to_proto(status))) == status


@pytest.mark.parametrize("by", get_args(types.SimilarBy))
def test_what_items_are_compared_by(by: types.SimilarBy) -> None:
    assert convert.similar_by_from_proto(convert.similar_by_to_proto(by)) == by


@pytest.mark.parametrize("number", [0, 99])
def test_an_unknown_comparison_is_by_fused_vectors(number: int) -> None:
    assert convert.similar_by_from_proto(number) == "fused"


@pytest.mark.parametrize("number", [0, 99])
def test_an_unknown_kind_of_picture_is_a_picture(number: int) -> None:
    assert convert.kind_from_proto(number) == "picture"


def test_a_pending_modality_of_a_later_contract_is_left_out() -> None:
    message = messages.Item(item_id="a", pending=[messages.MODALITY_TEXT])
    later = message.SerializeToString() + b"\x52\x02\x00\x63"  # field 10: 0 and 99
    assert convert.item_from_proto(messages.Item.FromString(later)).pending == ("text",)


def test_an_absent_time_or_value_is_none_and_not_zero() -> None:
    assert convert.item_from_proto(messages.Item()).time_ms is None
    assert convert.item_from_proto(messages.Item(time_ms=0)).time_ms == 0
    assert convert.event_from_proto(messages.Event()).value is None
    assert convert.event_from_proto(messages.Event(value=0.0)).value == 0.0


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (types.Item, messages.Item),
        (types.Picture, messages.Picture),
        (types.Video, messages.Video),
        (types.Event, messages.Event),
        (types.SignalShare, messages.SignalShare),
        (types.HistoryShare, messages.HistoryShare),
        (types.WordShare, messages.WordShare),
        (types.RegionShare, messages.RegionShare),
        (types.Explanation, messages.Explanation),
        (types.ModelInfo, messages.ModelInfo),
        (types.ModelLimits, messages.ModelLimits),
        (types.RankedItem, recommender.RankedItem),
        (types.Refusal, recommender.Refusal),
        (types.UpsertSummary, recommender.UpsertItemsResponse),
        (types.ServiceStatus, recommender.ServiceStatus),
        (types.StoreStatus, recommender.StoreStatus),
        (types.NamespaceStatus, recommender.NamespaceStatus),
        (types.CacheStatus, recommender.CacheStatus),
        (types.Status, recommender.GetStatusResponse),
    ],
)
def test_a_class_has_the_fields_of_its_message(kind: Any, message: type[Message]) -> None:
    assert set(kind.__dataclass_fields__) == set(message.DESCRIPTOR.fields_by_name)
