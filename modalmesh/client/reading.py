"""GetEmbeddings' messages -> one ItemEmbeddings an item."""

from collections.abc import Sequence

from modalmesh.convert import kind_from_proto, modality_from_proto
from modalmesh.convert_matrices import matrix_from_proto
from modalmesh.embeddings import Embeddings, FloatMatrix
from modalmesh.errors import InvalidInput
from modalmesh.item_embeddings import ItemEmbeddings
from modalmesh.v1.fusion_ranker_service_pb2 import ItemTokens
from modalmesh.v1.recommender_service_pb2 import GetEmbeddingsResponse


def item_embeddings(response: GetEmbeddingsResponse) -> list[ItemEmbeddings]:
    """The items of one message, each with its own rows.

    Raises:
        InvalidInput: a matrix is torn or a row isn't in it; names the field.
    """
    text = matrix_from_proto(response.text, field="text")
    image = matrix_from_proto(response.image, field="image")
    return [_one(tokens, text, image, f"items[{position}]") for position, tokens in enumerate(response.items)]


def _one(tokens: ItemTokens, text: Embeddings, image: Embeddings, field: str) -> ItemEmbeddings:
    return ItemEmbeddings(
        item_id=tokens.item_id,
        text=_rows(text, [token.row for token in tokens.texts], f"{field}.texts"),
        text_fields=tuple(token.field for token in tokens.texts),
        image=_rows(image, [token.row for token in tokens.images], f"{field}.images"),
        image_kinds=tuple(kind_from_proto(token.kind) for token in tokens.images),
        attributes={name: tuple(values.values) for name, values in tokens.attributes.items()},
        time_ms=tokens.time_ms if tokens.HasField("time_ms") else None,
        missing=tuple(modality_from_proto(number) for number in tokens.missing),
        text_model=text.model,
        image_model=image.model,
    )


def _rows(matrix: Embeddings, rows: Sequence[int], field: str) -> FloatMatrix:
    """(len(rows), dim) float32, a copy: an item that is kept doesn't keep its message."""
    if rows and max(rows) >= matrix.rows:
        raise InvalidInput(field, f"names row {max(rows)} of a matrix of {matrix.rows}", reason="WRONG_ROW")
    chosen: FloatMatrix = matrix.values[list(rows)]
    return chosen
