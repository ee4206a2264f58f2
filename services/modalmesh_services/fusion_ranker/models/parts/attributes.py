"""Attributes: sparse features, such as genres and tags, to a token a field."""

import torch
from torch import Tensor, nn

from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens

NO_ATTRIBUTE = 0


class AttributeBags(nn.Module):
    """The mean of the embeddings of a field's attributes. In training each is left out with probability `dropout`.

    `losses` are the elastic net (Zou and Hastie 2005) over the rows that a batch uses, so that a rare attribute is
    shrunk as often as it is met.
    """

    def __init__(self, vocabulary: int, dim: int, dropout: float = 0.0, l1: float = 0.0, l2: float = 0.0) -> None:
        super().__init__()
        self._dropout, self._l1, self._l2 = dropout, l1, l2
        self.table = nn.EmbeddingBag(vocabulary + 1, dim, mode="mean", padding_idx=NO_ATTRIBUTE)

    def forward(self, ids: Tensor) -> Tokens:
        """(N, F, A) int64, attributes from 1, 0 where there is none, to (N, F, D)."""
        rows, fields, width = ids.shape
        if self.training and self._dropout:
            dropped = torch.rand(ids.shape, device=ids.device) < self._dropout
            ids = ids.masked_fill(dropped, NO_ATTRIBUTE)
        bags: Tensor = self.table(ids.reshape(rows * fields, width))
        return Tokens(bags.view(rows, fields, -1), (ids != NO_ATTRIBUTE).any(dim=-1)).clean()

    def losses(self, ids: Tensor) -> dict[str, Tensor]:
        """Scalars `attributes_l1` and `attributes_l2`, of the attributes (N, F, A) met."""
        met = self.table.weight[torch.unique(ids[ids != NO_ATTRIBUTE])]
        count = max(1, len(met))
        return {
            "attributes_l1": self._l1 * met.abs().sum() / count,
            "attributes_l2": self._l2 * met.square().sum() / count,
        }
