"""What a ranker is given of items, as a network takes them."""

import numpy as np
import torch
from torch import Tensor

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens
from modalmesh_services.fusion_ranker.requests import FuseRequest, ItemTokens
from modalmesh_services.fusion_ranker.systems.multimodal.items import Items, Layout, attribute_rows


def items_of(request: FuseRequest, layout: Layout) -> Items:
    """In the request's order; of more tokens than the layout has room for the first are taken."""
    tokens = {}
    for name, size, most in layout.dims:
        rows = [_rows(item, name)[:most] for item in request.items]
        tokens[name] = _gathered(request.text.values if name == "text" else request.image.values, rows, size)
    attributes = attribute_rows([item.attributes or {} for item in request.items], layout)
    return Items(tokens, torch.from_numpy(attributes))


def nothing_known(items: Items) -> Tensor:
    """(N,) bool: which have no token and no attribute that was learned."""
    known = [part.present for part in items.tokens.values()]
    return ~torch.stack([*known, items.attributes.flatten(1).any(dim=1)]).any(dim=0)


def _rows(item: ItemTokens, name: str) -> list[int]:
    if name == "text":
        return [token.row for token in item.texts]
    return [token.row for token in item.images if (token.kind == "frame") == (name == "frames")]


def _gathered(matrix: FloatMatrix, rows: list[list[int]], size: int) -> Tokens:
    width = max(map(len, rows), default=0)
    vectors = np.zeros((len(rows), width, size), np.float32)
    mask = np.zeros((len(rows), width), np.bool_)
    for item, own in enumerate(rows):
        if own:
            vectors[item, : len(own)], mask[item, : len(own)] = matrix[own], True
    return Tokens(torch.from_numpy(vectors), torch.from_numpy(mask))
