"""The gateway's words <-> messages of the encoders and the ranker, pure functions."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from modalmesh.convert import attributes_to_proto, explanation_from_proto, kind_to_proto, modality_to_proto
from modalmesh.convert_matrices import matrix_from_proto, matrix_to_proto
from modalmesh.embeddings import Dtype, Embeddings, ModelId
from modalmesh.errors import InternalError
from modalmesh.types import Explanation, Modality, PictureKind
from modalmesh.v1 import fusion_ranker_service_pb2 as ranker
from modalmesh.v1 import image_encoder_service_pb2 as image_encoder
from modalmesh.v1 import text_encoder_service_pb2 as text_encoder
from modalmesh.v1 import types_pb2 as messages
from modalmesh_gateway.ports import (
    CandidateEntry,
    Encoded,
    EncodedBatch,
    FuseInput,
    HistoryEntry,
    Place,
    UserQueries,
    Visual,
)
from modalmesh_gateway.store import TokenVectors

_PLACE = re.compile(r"^\w+\[\d+\]: ")

EncodeResponse = text_encoder.TextEncoderEncodeResponse | image_encoder.ImageEncoderEncodeResponse


def text_request(texts: Sequence[str], *, parts: bool = False) -> text_encoder.TextEncoderEncodeRequest:
    return text_encoder.TextEncoderEncodeRequest(texts=texts, granularity=_granularity(parts))


def image_request(visuals: Sequence[Visual], *, parts: bool = False) -> image_encoder.ImageEncoderEncodeRequest:
    inputs = [
        image_encoder.VisualInput(video=visual.content)
        if visual.is_video
        else image_encoder.VisualInput(image=visual.content, hidden=map(_box, visual.hidden))
        for visual in visuals
    ]
    return image_encoder.ImageEncoderEncodeRequest(inputs=inputs, granularity=_granularity(parts))


def _box(place: Place) -> messages.Part:
    return messages.Part(left=place.left, top=place.top, right=place.right, bottom=place.bottom)


def _granularity(parts: bool) -> messages.Granularity.ValueType:
    return messages.GRANULARITY_PARTS if parts else messages.GRANULARITY_POOLED


def encoded_from_proto(response: EncodeResponse, inputs: int, *, parts: bool = False) -> EncodedBatch:
    """Check an encoder's answer against what was asked.

    Raises:
        InternalError: results don't match inputs or rows, or places don't match the rows of parts.
        InvalidInput: the matrix is torn.
    """
    matrix = matrix_from_proto(response.embeddings, field="embeddings")
    _require_count("results", len(response.results), inputs)
    return EncodedBatch(matrix.model, [_result(result, matrix, parts) for result in response.results])


def _result(result: messages.InputResult, matrix: Embeddings, parts: bool) -> Encoded:
    if result.state == messages.INPUT_STATE_INVALID:
        # The place in the encoder's batch says nothing to whoever gave the input.
        return Encoded(None, reason=_PLACE.sub("", result.reason) or "is invalid")
    end = result.first_row + result.row_count
    if not result.row_count or end > matrix.rows:
        raise InternalError(f"an encoder's result names rows {result.first_row} to {end} of {matrix.rows}")
    truncated = result.state == messages.INPUT_STATE_TRUNCATED
    values = matrix.values[result.first_row : end]
    if not parts:
        return Encoded(values, truncated)
    _require_count("places", len(result.parts), len(values))
    places = [Place(part.start, part.end, part.left, part.top, part.right, part.bottom) for part in result.parts]
    return Encoded(values, truncated, places=places)


def fuse_request(inputs: Sequence[FuseInput]) -> ranker.FusionRankerFuseRequest:
    text, text_rows = _stack([each.text for each in inputs])
    image, image_rows = _stack([each.image for each in inputs])
    return ranker.FusionRankerFuseRequest(
        text=text,
        image=image,
        items=[
            item_tokens(each, text_row, image_row)
            for each, text_row, image_row in zip(inputs, text_rows, image_rows, strict=True)
        ],
        variations=len({each.item.item_id for each in inputs}) < len(inputs),
    )


def item_tokens(fuse: FuseInput, text_row: int, image_row: int) -> ranker.ItemTokens:
    """An item's rows, given the first row of each of its modalities."""
    missing: list[Modality] = []
    if fuse.text is None:
        missing.append("text")
    if fuse.image is None:
        missing.append("image")
    return ranker.ItemTokens(
        item_id=fuse.item.item_id,
        texts=[ranker.TextToken(field=label, row=text_row + offset) for offset, label in enumerate(_labels(fuse.text))],
        images=[
            ranker.ImageToken(kind=kind_to_proto(picture_kind(label)), row=image_row + offset)
            for offset, label in enumerate(_labels(fuse.image))
        ],
        attributes=attributes_to_proto(fuse.item),
        time_ms=fuse.item.time_ms,
        missing=[modality_to_proto(modality) for modality in missing],
    )


def picture_kind(label: str) -> PictureKind:
    return "frame" if label == "frame" else "picture"


def stack_tokens(tokens: Sequence[TokenVectors | None], dtype: Dtype) -> tuple[messages.EmbeddingMatrix, list[int]]:
    """One matrix of all rows, and the first row of each entry."""
    first_rows, row = [], 0
    for each in tokens:
        first_rows.append(row)
        row += each.embeddings.rows if each else 0
    present = [each.embeddings for each in tokens if each]
    if not present:
        return messages.EmbeddingMatrix(), first_rows
    values = np.concatenate([each.values for each in present])
    return matrix_to_proto(Embeddings(values, present[0].model), dtype), first_rows


def _stack(tokens: Sequence[TokenVectors | None]) -> tuple[messages.EmbeddingMatrix, list[int]]:
    return stack_tokens(tokens, Dtype.F32)


def _labels(tokens: TokenVectors | None) -> Sequence[str]:
    return tokens.labels if tokens else ()


def history_to_proto(history: Sequence[HistoryEntry]) -> list[ranker.HistoryEvent]:
    return [
        ranker.HistoryEvent(
            item_id=event.item_id,
            row=event.row,
            time_ms=event.time_ms,
            type=event.type,
            value=event.value,
            positive=event.positive,
        )
        for event in history
    ]


def candidates_to_proto(candidates: Sequence[CandidateEntry]) -> list[ranker.Candidate]:
    return [
        ranker.Candidate(
            item_id=candidate.item_id,
            row=candidate.row,
            item_time_ms=candidate.time_ms,
            event_count=candidate.event_count,
            variation=candidate.variation,
        )
        for candidate in candidates
    ]


def fused_from_proto(response: ranker.FusionRankerFuseResponse, items: int) -> Embeddings:
    """Raises:
    InternalError: not one vector an item.
    InvalidInput: the matrix is torn.
    """
    vectors = matrix_from_proto(response.vectors, field="vectors")
    _require_count("vectors", vectors.rows, items)
    return vectors


def queries_from_proto(response: ranker.FusionRankerEncodeUserResponse, model: ModelId, dim: int) -> UserQueries:
    """Raises:
    ModelMismatch: the ranker has another revision than the vectors it was asked about.
    InternalError: a query without weight.
    InvalidInput: the matrix is torn.
    """
    if not response.queries.rows:
        return UserQueries(Embeddings(np.zeros((0, dim), np.float32), model), np.zeros(0, np.float32))
    queries = matrix_from_proto(response.queries, field="queries", dim=dim, fingerprint=model.fingerprint)
    _require_count("weights", len(response.weights), queries.rows)
    return UserQueries(queries, np.array(response.weights, dtype=np.float32))


def probabilities_from_proto(response: ranker.FusionRankerRankResponse, candidates: int) -> npt.NDArray[np.float32]:
    """(C,). Raises InternalError: not one a candidate, or one is no probability."""
    _require_count("probabilities", len(response.probabilities), candidates)
    probabilities = np.array(response.probabilities, dtype=np.float32)
    # NaN compares false.
    if not np.all((probabilities >= 0) & (probabilities <= 1)):
        raise InternalError("a probability is not between 0 and 1")
    return probabilities


def explanations_from_proto(response: ranker.FusionRankerExplainResponse, explained: int) -> list[Explanation]:
    """Raises InternalError: not one an item that is to be explained."""
    _require_count("explanations", len(response.explanations), explained)
    return [explanation_from_proto(each) for each in response.explanations]


def _require_count(what: str, got: int, wanted: int) -> None:
    if got != wanted:
        raise InternalError(f"{got} {what} instead of {wanted}")
