"""A BERT-family network by torch: token ids and mask in, the pooled vectors and those of the tokens out."""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from modalmesh_services.common import torchvision_shim
from modalmesh_services.common.hugging_face import load_network
from modalmesh_services.common.torch_backend import Network
from modalmesh_services.text_encoder.folder import ModelFolder

# Before transformers loads a model, for which it imports torchvision where that is installed.
torchvision_shim.install()


class PooledText(nn.Module):
    """forward: ids and mask, both (B, T) int64, to (B, D) float32 of length 1 and (B, T, D) float32."""

    def __init__(self, network: nn.Module, pooling: Literal["mean", "cls"]) -> None:
        super().__init__()
        self.network = network
        self._pooling = pooling

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        hidden: Tensor = self.network(input_ids=ids, attention_mask=mask).last_hidden_state.float()  # (B, T, D)
        return nn.functional.normalize(self._pool(hidden, mask), dim=-1), hidden

    def _pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """(B, T, D) and (B, T) to (B, D): the first token's vector, or the mean over the tokens that are no padding."""
        if self._pooling == "cls":
            return hidden[:, 0]
        weights = mask[:, :, None].to(hidden.dtype)
        return (hidden * weights).sum(dim=1) / weights.sum(dim=1)


def load(folder: ModelFolder, config: Any, pooling: Literal["mean", "cls"], max_tokens: int) -> Network:
    """Raises OSError or ValueError: the folder lacks something, or its weights can't be read."""
    from transformers import AutoModel

    network = load_network(AutoModel.from_pretrained, folder.path, config=config)
    # Two texts of unlike length, so that nothing of a trace depends on either.
    ids = torch.ones((2, min(max_tokens, 6)), dtype=torch.int64)
    mask = ids.clone()
    mask[1, -1] = 0
    return Network(PooledText(network, pooling), examples=(ids, mask))
