"""FusionRanker's messages <-> dataclasses. Repeated messages become arrays here, once.

Counts are looked at before: two bytes of a message can be an entry, and a million of them would block the event loop.
"""

import math
from collections.abc import Sequence

import numpy as np

from modalmesh.convert import explanation_to_proto, kind_from_proto, model_to_proto
from modalmesh.convert_matrices import matrix_from_proto, matrix_to_proto
from modalmesh.embeddings import Embeddings
from modalmesh.errors import InvalidInput, TooLarge
from modalmesh.types import Explanation, Modality
from modalmesh.v1 import fusion_ranker_service_pb2 as messages
from modalmesh.v1 import types_pb2 as types
from modalmesh_services.fusion_ranker.core import EncodedUser, RankerInfo
from modalmesh_services.fusion_ranker.limits import RankerLimits
from modalmesh_services.fusion_ranker.models.interface import Probabilities, ProposedItem
from modalmesh_services.fusion_ranker.requests import (
    NO_ROW,
    Candidates,
    ExplainRequest,
    FuseRequest,
    History,
    ImageToken,
    Integers,
    ItemTokens,
    ProposeRequest,
    RankRequest,
    TextToken,
    UserRequest,
)

_MODALITIES: dict[int, Modality] = {types.MODALITY_TEXT: "text", types.MODALITY_IMAGE: "image"}
# Counts come as uint64; a count beyond this is as popular as it gets.
_LARGEST_COUNT = 2**63 - 1


def fuse_request(request: messages.FusionRankerFuseRequest, limits: RankerLimits) -> FuseRequest:
    """Raises InvalidInput for a torn matrix or an unknown enum value, TooLarge; names the field. So do all below."""
    items = request.items
    limits.check_items(len(items))
    limits.check_tokens(sum(len(item.texts) for item in items), sum(len(item.images) for item in items))
    limits.check_attributes(sum(len(item.attributes) for item in items))
    limits.check_attributes(sum(len(each.values) for item in items for each in item.attributes.values()))
    limits.check_matrix("text", request.text.rows)
    limits.check_matrix("image", request.image.rows)
    return FuseRequest(
        _matrix(request.text, "text"),
        _matrix(request.image, "image"),
        [_item_tokens(f"items[{place}]", item) for place, item in enumerate(request.items)],
        request.variations,
    )


def user_request(request: messages.FusionRankerEncodeUserRequest, limits: RankerLimits) -> UserRequest:
    history = _history(request.history, limits)
    return UserRequest(_vectors(request.vectors, limits), history, request.request_time_ms)


def propose_request(request: messages.FusionRankerProposeRequest, limits: RankerLimits) -> ProposeRequest:
    return ProposeRequest(_history(request.history, limits), request.limit, request.request_time_ms)


def rank_request(
    request: messages.FusionRankerRankRequest | messages.FusionRankerExplainRequest, limits: RankerLimits
) -> RankRequest:
    history, candidates = _history(request.history, limits), _candidates(request.candidates, limits)
    return RankRequest(_vectors(request.vectors, limits), history, candidates, request.request_time_ms)


def explain_request(request: messages.FusionRankerExplainRequest, limits: RankerLimits) -> ExplainRequest:
    limits.check_explained(len(request.explain), len(request.history))
    return ExplainRequest(rank_request(request, limits), tuple(request.explain))


def fuse_response(vectors: Embeddings) -> messages.FusionRankerFuseResponse:
    return messages.FusionRankerFuseResponse(vectors=matrix_to_proto(vectors))


def user_response(user: EncodedUser) -> messages.FusionRankerEncodeUserResponse:
    return messages.FusionRankerEncodeUserResponse(queries=matrix_to_proto(user.queries), weights=user.weights.tolist())


def propose_response(proposed: Sequence[ProposedItem], revision: str) -> messages.FusionRankerProposeResponse:
    items = [messages.ProposedItem(item_id=each.item_id, score=each.score) for each in proposed]
    return messages.FusionRankerProposeResponse(items=items, revision=revision)


def rank_response(probabilities: Probabilities, revision: str) -> messages.FusionRankerRankResponse:
    return messages.FusionRankerRankResponse(probabilities=probabilities.tolist(), revision=revision)


def explain_response(explanations: Sequence[Explanation], revision: str) -> messages.FusionRankerExplainResponse:
    return messages.FusionRankerExplainResponse(
        explanations=[explanation_to_proto(each) for each in explanations], revision=revision
    )


def model_response(info: RankerInfo) -> messages.FusionRankerGetModelResponse:
    return messages.FusionRankerGetModelResponse(
        model=model_to_proto(info.model),
        text_fingerprint=info.text_fingerprint,
        image_fingerprint=info.image_fingerprint,
    )


def _vectors(message: types.EmbeddingMatrix, limits: RankerLimits) -> Embeddings:
    limits.check_vectors(message.rows)
    return _matrix(message, "vectors")


def _matrix(message: types.EmbeddingMatrix, field: str) -> Embeddings:
    """A matrix without rows may say anything of dim, dtype and model: there is nothing to misread."""
    if not message.rows and not message.data:
        return Embeddings(np.zeros((0, message.dim), dtype=np.float32))
    return matrix_from_proto(message, field=field)


def _item_tokens(path: str, item: messages.ItemTokens) -> ItemTokens:
    if len(item.missing) > len(_MODALITIES):
        message = f"has {len(item.missing)} entries, there are {len(_MODALITIES)} modalities"
        raise TooLarge(f"{path}.missing", message)
    return ItemTokens(
        item_id=item.item_id,
        texts=[TextToken(token.field, token.row) for token in item.texts],
        images=[ImageToken(kind_from_proto(token.kind), token.row) for token in item.images],
        attributes={name: tuple(each.values) for name, each in item.attributes.items()},
        time_ms=item.time_ms if item.HasField("time_ms") else None,
        missing=[_modality(f"{path}.missing[{number}]", each) for number, each in enumerate(item.missing)],
    )


def _modality(field: str, number: int) -> Modality:
    if number not in _MODALITIES:
        raise InvalidInput(field, f"unknown modality {number}", reason="UNKNOWN_VALUE")
    return _MODALITIES[number]


def _history(events: Sequence[messages.HistoryEvent], limits: RankerLimits) -> History:
    limits.check_history(len(events))
    each = list(events)
    return History(
        [event.item_id for event in each],
        _rows(each),
        np.array([event.time_ms for event in each], dtype=np.int64),
        [event.type for event in each],
        np.array([_value(place, event) for place, event in enumerate(each)], dtype=np.float64),
        np.array([event.positive for event in each], dtype=np.bool_),
    )


def _value(place: int, event: messages.HistoryEvent) -> float:
    if not event.HasField("value"):
        return math.nan
    if not math.isfinite(event.value):
        raise InvalidInput(f"history[{place}].value", "is NaN or infinite", reason="NOT_FINITE")
    return event.value


def _candidates(candidates: Sequence[messages.Candidate], limits: RankerLimits) -> Candidates:
    limits.check_candidates(len(candidates))
    every = list(candidates)
    times = [each.item_time_ms or (0.0 if each.HasField("item_time_ms") else math.nan) for each in every]
    counts = np.array([each.event_count for each in every], dtype=np.uint64)
    variations = np.array([each.variation for each in every], dtype=np.bool_)
    return Candidates(
        [each.item_id for each in every],
        _rows(every),
        np.array(times, dtype=np.float64),
        np.minimum(counts, np.uint64(_LARGEST_COUNT)).astype(np.int64),
        variations if variations.any() else None,
    )


def _rows(entries: Sequence[messages.HistoryEvent] | Sequence[messages.Candidate]) -> Integers:
    """A row that isn't 0 is set: asking whether it is costs more than reading it."""
    rows = [each.row or (0 if each.HasField("row") else NO_ROW) for each in entries]
    return np.array(rows, dtype=np.int64)
