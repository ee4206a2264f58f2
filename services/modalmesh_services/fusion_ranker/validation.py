"""What the fusion-ranker refuses, whatever its model. Each refusal names the field. Knows no grpc and no protobuf."""

from collections.abc import Sequence

import numpy as np

from modalmesh.embeddings import Embeddings
from modalmesh.errors import InvalidInput, ModelMismatch, TooLarge
from modalmesh.types import TEXT_FIELDS
from modalmesh_services.fusion_ranker.limits import RankerLimits
from modalmesh_services.fusion_ranker.models.interface import ModelDescription
from modalmesh_services.fusion_ranker.requests import (
    NO_ROW,
    Candidates,
    ExplainRequest,
    Flags,
    FuseRequest,
    History,
    Integers,
    ItemTokens,
    ProposeRequest,
    RankRequest,
    UserRequest,
)

# In characters; the gateway lets through no longer ids and labels.
_LONGEST_ID = 256
_LONGEST_LABEL = 1024
# No encoder's or ranker's vectors come near, and dot products of what is below stay finite in float32.
_LARGEST_NUMBER = 1e6


def check_fuse(request: FuseRequest, model: ModelDescription, limits: RankerLimits) -> None:
    """Raises InvalidInput, TooLarge or ModelMismatch."""
    items = request.items
    _require_any("items", len(items))
    limits.check_items(len(items))
    limits.check_tokens(sum(len(item.texts) for item in items), sum(len(item.images) for item in items))
    limits.check_attributes(sum(len(values) for item in items for values in (item.attributes or {}).values()))
    limits.check_matrix("text", request.text.rows)
    limits.check_matrix("image", request.image.rows)
    _check_matrix("text", request.text, model.text_dim, model.text_fingerprint)
    _check_matrix("image", request.image, model.image_dim, model.image_fingerprint)
    _check_ids("items", [item.item_id for item in items])
    if not request.variations:
        _check_unique("items", [item.item_id for item in items])
    for place, item in enumerate(items):
        _check_tokens(f"items[{place}]", item, request.text.rows, request.image.rows)


def check_user(request: UserRequest, model: ModelDescription, limits: RankerLimits) -> None:
    """Raises InvalidInput, TooLarge or ModelMismatch."""
    _check_fused(request.vectors, model, limits)
    _check_history(request.history, request.time_ms, limits)
    _check_rows("history", request.history.rows, request.vectors.rows)


def check_propose(request: ProposeRequest, limits: RankerLimits) -> None:
    """Raises InvalidInput or TooLarge."""
    if request.limit <= 0:
        raise InvalidInput("limit", f"is {request.limit}", reason="OUT_OF_RANGE")
    limits.check_proposed(request.limit)
    _check_history(request.history, request.time_ms, limits)


def check_rank(request: RankRequest, model: ModelDescription, limits: RankerLimits) -> None:
    """Raises InvalidInput, TooLarge or ModelMismatch."""
    _check_fused(request.vectors, model, limits)
    _check_history(request.history, request.time_ms, limits)
    _check_candidates(request.candidates, limits)
    _check_rows("history", request.history.rows, request.vectors.rows)
    _check_rows("candidates", request.candidates.rows, request.vectors.rows)


def check_explain(request: ExplainRequest, model: ModelDescription, limits: RankerLimits) -> None:
    """Raises InvalidInput, TooLarge or ModelMismatch."""
    check_rank(request.ranking, model, limits)
    _require_any("explain", len(request.explain))
    limits.check_explained(len(request.explain), len(request.ranking.history.item_ids))
    candidates = len(request.ranking.candidates.item_ids)
    for place, index in enumerate(request.explain):
        if not 0 <= index < candidates:
            message = f"is {index} of {candidates} candidates"
            raise InvalidInput(f"explain[{place}]", message, reason="OUT_OF_RANGE")


def _check_history(history: History, time_ms: int, limits: RankerLimits) -> None:
    limits.check_history(len(history.item_ids))
    if time_ms < 0:
        raise InvalidInput("request_time_ms", f"is {time_ms}, before 1970", reason="NEGATIVE_TIME")
    _check_ids("history", history.item_ids)
    _check_lengths("history", "type", history.types, _LONGEST_LABEL)
    _refuse_first("history", "time_ms", history.times_ms < 0, "is before 1970", "NEGATIVE_TIME")
    _refuse_first("history", "value", np.isinf(history.values), "is infinite", "NOT_FINITE")


def _check_candidates(candidates: Candidates, limits: RankerLimits) -> None:
    _require_any("candidates", len(candidates.item_ids))
    limits.check_candidates(len(candidates.item_ids))
    _check_ids("candidates", candidates.item_ids)
    _check_candidate_ids(candidates)
    _refuse_first("candidates", "event_count", candidates.event_counts < 0, "is negative", "OUT_OF_RANGE")


def _check_candidate_ids(candidates: Candidates) -> None:
    """Each id once, beside its variations."""
    if candidates.variations is None:
        _check_unique("candidates", candidates.item_ids)
        return
    known: set[str] = set()
    for place, (item_id, counted) in enumerate(zip(candidates.item_ids, candidates.counted.tolist(), strict=True)):
        if counted and item_id in known:
            raise InvalidInput(f"candidates[{place}].item_id", "is another candidate's too", reason="DUPLICATE_ID")
        if not counted and item_id not in known:
            message = "is a variation of no candidate before it"
            raise InvalidInput(f"candidates[{place}].variation", message, reason="UNKNOWN_ITEM")
        known.add(item_id)


def _check_tokens(path: str, item: ItemTokens, text_rows: int, image_rows: int) -> None:
    for number, token in enumerate(item.texts):
        if token.field not in TEXT_FIELDS:
            message = f"is {token.field[:40]!r}, not one of {', '.join(TEXT_FIELDS)}"
            raise InvalidInput(f"{path}.texts[{number}].field", message, reason="UNKNOWN_FIELD")
    rows = {"texts": ([token.row for token in item.texts], text_rows)}
    rows["images"] = ([token.row for token in item.images], image_rows)
    for name, (chosen, count) in rows.items():
        # An item has few tokens: arrays of them would take longer to make than to check.
        for number, row in enumerate(chosen):
            if not 0 <= row < count:
                message = f"points beyond the {count} rows of the matrix"
                raise InvalidInput(f"{path}.{name}[{number}].row", message, reason="OUT_OF_RANGE")
    for name, values in (item.attributes or {}).items():
        if max(map(len, (name, *values))) > _LONGEST_LABEL:
            message = f"{name[:40]!r} holds more than {_LONGEST_LABEL} characters"
            raise TooLarge(f"{path}.attributes", message)


def _check_fused(vectors: Embeddings, model: ModelDescription, limits: RankerLimits) -> None:
    limits.check_vectors(vectors.rows)
    _check_matrix("vectors", vectors, model.fused_dim, model.revision)


def _check_matrix(field: str, matrix: Embeddings, dim: int, fingerprint: str) -> None:
    """A matrix without rows may say anything: there is nothing to misread."""
    if not matrix.rows:
        return
    # The fingerprint first: another model's vectors may have another dim, and that is why.
    if fingerprint and matrix.model.fingerprint != fingerprint:
        had = matrix.model.fingerprint[:80]
        raise ModelMismatch(f"{field}.model_fingerprint: vectors of {had!r} where {fingerprint!r} is served")
    if matrix.dim != dim:
        raise InvalidInput(f"{field}.dim", f"is {matrix.dim} instead of {dim}", reason="WRONG_DIM")
    # Numbers whose squares add up to less are all smaller, which one pass tells of nearly every matrix.
    flat = matrix.values.ravel()
    if not np.vdot(flat, flat) <= _LARGEST_NUMBER**2 and max(flat.max(), -flat.min()) > _LARGEST_NUMBER:
        raise InvalidInput(f"{field}.data", f"holds a number beyond {_LARGEST_NUMBER:.0f}", reason="OUT_OF_RANGE")


def _require_any(field: str, count: int) -> None:
    if not count:
        raise InvalidInput(field, "is empty", reason="EMPTY")


def _check_ids(path: str, item_ids: Sequence[str]) -> None:
    _refuse_first(path, "item_id", [not item_id for item_id in item_ids], "is empty", "EMPTY")
    _check_lengths(path, "item_id", item_ids, _LONGEST_ID)


def _check_lengths(path: str, field: str, texts: Sequence[str], longest: int) -> None:
    for place, text in enumerate(texts):
        if len(text) > longest:
            raise TooLarge(f"{path}[{place}].{field}", f"has {len(text)} characters, the limit is {longest}")


def _check_unique(path: str, item_ids: Sequence[str]) -> None:
    first: dict[str, int] = {}
    for place, item_id in enumerate(item_ids):
        if first.setdefault(item_id, place) != place:
            message = f"is that of {path}[{first[item_id]}] too"
            raise InvalidInput(f"{path}[{place}].item_id", message, reason="DUPLICATE_ID")


def _check_rows(path: str, rows: Integers, count: int) -> None:
    wrong = (rows < NO_ROW) | (rows >= count)
    _refuse_first(path, "row", wrong, f"points beyond the {count} rows of the matrix", "OUT_OF_RANGE")


def _refuse_first(path: str, field: str, wrong: Flags | Sequence[bool], message: str, reason: str) -> None:
    """Refuse the first of the entries that are wrong, if any."""
    places = np.flatnonzero(wrong)
    if len(places):
        raise InvalidInput(f"{path}[{places[0]}].{field}", message, reason=reason)
