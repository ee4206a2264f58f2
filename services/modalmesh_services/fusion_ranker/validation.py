"""What the fusion-ranker refuses, whatever its model. Each refusal names the field. Knows no grpc and no protobuf."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modalmesh.embeddings import Embeddings
from modalmesh.errors import InvalidInput, ModelMismatch, TooLarge
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

TEXT_FIELDS = frozenset({"title", "description", "tags"})


@dataclass(frozen=True, slots=True)
class RankerLimits:
    """What is above is refused. `fuse_rows` is a matrix; `explained_pairs` are explanations times history events."""

    fuse_items: int
    fuse_rows: int
    candidates: int
    history_events: int
    explained_pairs: int


def check_fuse(request: FuseRequest, model: ModelDescription, limits: RankerLimits) -> None:
    """Raises InvalidInput, TooLarge or ModelMismatch."""
    _require_count("items", len(request.items), limits.fuse_items)
    _check_encoder_matrix("text", request.text, model.text_dim, model.text_fingerprint, limits)
    _check_encoder_matrix("image", request.image, model.image_dim, model.image_fingerprint, limits)
    _check_ids("items", [item.item_id for item in request.items])
    for place, item in enumerate(request.items):
        _check_tokens(f"items[{place}]", item, request.text.rows, request.image.rows)


def check_user(request: UserRequest, model: ModelDescription, limits: RankerLimits) -> None:
    """Raises InvalidInput, TooLarge or ModelMismatch."""
    _check_fused_matrix(request.vectors, model, limits)
    check_history(request.history, request.vectors.rows, request.time_ms, limits)


def check_propose(request: ProposeRequest, limits: RankerLimits) -> None:
    """Raises InvalidInput or TooLarge."""
    _require_count("limit", request.limit, limits.candidates)
    check_history(request.history, None, request.time_ms, limits)


def check_rank(request: RankRequest, model: ModelDescription, limits: RankerLimits) -> None:
    """Raises InvalidInput, TooLarge or ModelMismatch."""
    _require_count("candidates", len(request.candidates.item_ids), limits.candidates)
    _check_fused_matrix(request.vectors, model, limits)
    check_history(request.history, request.vectors.rows, request.time_ms, limits)
    _check_candidates(request.candidates, request.vectors.rows)


def check_explain(request: ExplainRequest, model: ModelDescription, limits: RankerLimits) -> None:
    """Raises InvalidInput, TooLarge or ModelMismatch."""
    check_rank(request.ranking, model, limits)
    events = max(1, len(request.ranking.history.item_ids))
    _require_count("explain", len(request.explain), max(1, limits.explained_pairs // events))
    candidates = len(request.ranking.candidates.item_ids)
    for place, index in enumerate(request.explain):
        if not 0 <= index < candidates:
            message = f"is {index} of {candidates} candidates"
            raise InvalidInput(f"explain[{place}]", message, reason="OUT_OF_RANGE")


def check_history(history: History, rows: int | None, time_ms: int, limits: RankerLimits) -> None:
    """Raises InvalidInput or TooLarge. `rows`: how many vectors there are to point to; None: nothing points."""
    if len(history.item_ids) > limits.history_events:
        message = f"has {len(history.item_ids)} events, the limit is {limits.history_events}"
        raise TooLarge("history", message)
    if time_ms < 0:
        raise InvalidInput("request_time_ms", f"is {time_ms}, before 1970", reason="NEGATIVE_TIME")
    _refuse_first("history", "item_id", [not item_id for item_id in history.item_ids], "is empty", "EMPTY")
    _refuse_first("history", "time_ms", history.times_ms < 0, "is before 1970", "NEGATIVE_TIME")
    _refuse_first("history", "value", np.isinf(history.values), "is infinite", "NOT_FINITE")
    if rows is not None:
        _check_rows("history", history.rows, rows)


def _check_candidates(candidates: Candidates, rows: int) -> None:
    _check_ids("candidates", candidates.item_ids)
    _check_rows("candidates", candidates.rows, rows)


def _check_tokens(path: str, item: ItemTokens, text_rows: int, image_rows: int) -> None:
    for number, token in enumerate(item.texts):
        if token.field not in TEXT_FIELDS:
            known = ", ".join(sorted(TEXT_FIELDS))
            message = f"is {token.field[:40]!r}, not one of {known}"
            raise InvalidInput(f"{path}.texts[{number}].field", message, reason="UNKNOWN_FIELD")
    rows = {"texts": ([token.row for token in item.texts], text_rows)}
    rows["images"] = ([token.row for token in item.images], image_rows)
    for name, (chosen, count) in rows.items():
        _check_rows(f"{path}.{name}", np.asarray(chosen, dtype=np.int64), count)


def _check_encoder_matrix(field: str, matrix: Embeddings, dim: int, fingerprint: str, limits: RankerLimits) -> None:
    if matrix.rows > limits.fuse_rows:
        raise TooLarge(f"{field}.rows", f"is {matrix.rows}, the limit is {limits.fuse_rows}")
    if matrix.rows:
        _require_dim(field, matrix, dim)
        if fingerprint and matrix.model.fingerprint != fingerprint:
            _refuse_fingerprint(field, matrix, fingerprint)


def _check_fused_matrix(vectors: Embeddings, model: ModelDescription, limits: RankerLimits) -> None:
    most = limits.candidates + limits.history_events
    if vectors.rows > most:
        raise TooLarge("vectors.rows", f"is {vectors.rows}, the limit is {most}")
    if vectors.rows:
        # The revision first: another revision's vectors may have another dim, and that is why.
        if vectors.model.fingerprint != model.revision:
            _refuse_fingerprint("vectors", vectors, model.revision)
        _require_dim("vectors", vectors, model.fused_dim)


def _require_dim(field: str, matrix: Embeddings, dim: int) -> None:
    if matrix.dim != dim:
        raise InvalidInput(f"{field}.dim", f"is {matrix.dim} instead of {dim}", reason="WRONG_DIM")


def _refuse_fingerprint(field: str, matrix: Embeddings, served: str) -> None:
    had = matrix.model.fingerprint[:80]
    raise ModelMismatch(f"{field}.model_fingerprint: vectors of {had!r} where {served!r} is served")


def _require_count(field: str, count: int, limit: int) -> None:
    if count <= 0:
        raise InvalidInput(field, "is empty" if field != "limit" else "is 0", reason="EMPTY")
    if count > limit:
        raise TooLarge(field, f"is {count}, the limit is {limit}")


def _check_ids(path: str, item_ids: Sequence[str]) -> None:
    _refuse_first(path, "item_id", [not item_id for item_id in item_ids], "is empty", "EMPTY")
    if len(set(item_ids)) == len(item_ids):
        return
    first: dict[str, int] = {}
    for place, item_id in enumerate(item_ids):
        if item_id in first:
            message = f"is that of {path}[{first[item_id]}] too"
            raise InvalidInput(f"{path}[{place}].item_id", message, reason="DUPLICATE_ID")
        first[item_id] = place


def _check_rows(path: str, rows: Integers, count: int) -> None:
    wrong = (rows >= count) & (rows != NO_ROW)
    _refuse_first(path, "row", wrong, f"points beyond the {count} rows of the matrix", "OUT_OF_RANGE")


def _refuse_first(path: str, field: str, wrong: Flags | Sequence[bool], message: str, reason: str) -> None:
    """Refuse the first of the entries that are wrong, if any."""
    places = np.flatnonzero(wrong)
    if len(places):
        raise InvalidInput(f"{path}[{places[0]}].{field}", message, reason=reason)
