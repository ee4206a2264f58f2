"""Token vectors to one vector an item: a text part beside an image part, each of length 1, or zeros where missing."""

from collections.abc import Mapping, Sequence

import numpy as np

from modalmesh.embeddings import FloatMatrix, normalise
from modalmesh_services.fusion_ranker.requests import Flags, Floats, FuseRequest, ItemTokens

# Half the length of a part that is there: what is shorter is missing. A part keeps its length through every dtype.
LEAST_LENGTH = 0.5
_TOKENS_AT_ONCE = 1024


def fuse_texts(request: FuseRequest, field_weights: Mapping[str, float], dim: int) -> FloatMatrix:
    """(N, text_dim) float32: the weighted mean of an item's text fields, of length 1; zeros without any."""
    owners, rows, weights = [], [], []
    for place, item in enumerate(request.items):
        for token in item.texts:
            owners.append(place)
            rows.append(token.row)
            weights.append(field_weights[token.field])
    return _mean(request.text.values, owners, rows, weights, (len(request.items), dim))


def fuse_images(request: FuseRequest, dim: int) -> FloatMatrix:
    """(N, image_dim) float32: the mean of an item's pictures, of length 1; zeros without any.

    All frames of an item together count as much as one picture: a clip must not outweigh what the shop chose to show.
    """
    owners, rows, weights = [], [], []
    for place, item in enumerate(request.items):
        frame_weight = 1.0 / max(1, _frames(item))
        for token in item.images:
            owners.append(place)
            rows.append(token.row)
            weights.append(frame_weight if token.kind == "frame" else 1.0)
    return _mean(request.image.values, owners, rows, weights, (len(request.items), dim))


def split(vectors: FloatMatrix, text_dim: int) -> tuple[FloatMatrix, FloatMatrix]:
    """(N, text_dim + image_dim) to text parts and image parts, as `join` put them together."""
    return vectors[:, :text_dim], vectors[:, text_dim:]


def join(text: FloatMatrix, image: FloatMatrix) -> FloatMatrix:
    """Text parts beside image parts: (N, text_dim + image_dim). A dot product adds up both similarities."""
    return np.concatenate([text, image], axis=1)


def present(parts: FloatMatrix) -> Flags:
    """(N,) bool: which parts are no zeros."""
    lengths: Floats = np.sqrt(np.einsum("nd,nd->n", parts, parts))
    return lengths > LEAST_LENGTH


def _frames(item: ItemTokens) -> int:
    return sum(token.kind == "frame" for token in item.images)


def _mean(
    values: FloatMatrix,
    owners: Sequence[int],
    rows: Sequence[int],
    weights: Sequence[float],
    shape: tuple[int, int],
) -> FloatMatrix:
    total: FloatMatrix = np.zeros(shape, dtype=np.float32)
    chosen, lengths = np.asarray(rows, dtype=np.int64), np.asarray(weights, dtype=np.float32)
    # A part at a time: many tokens may share a row, and all their vectors at once would take far more than the request.
    for start in range(0, len(owners), _TOKENS_AT_ONCE):
        part = slice(start, start + _TOKENS_AT_ONCE)
        np.add.at(total, np.asarray(owners[part]), normalise(values[chosen[part]]) * lengths[part, None])
    return normalise(total)
