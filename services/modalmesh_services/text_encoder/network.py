"""A BERT-family network by torch: token ids and mask in, the pooled vectors and those of the tokens out."""

from typing import Any, Literal, TypeAlias

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from modalmesh_services.common.backends import torchvision_shim
from modalmesh_services.common.backends.hugging_face import load_network
from modalmesh_services.common.backends.torch_backend import Network
from modalmesh_services.text_encoder.folder import ModelFolder

# Before transformers loads a model, for which it imports torchvision where that is installed.
torchvision_shim.install()

Pooling: TypeAlias = Literal["mean", "cls"]


class PooledText(nn.Module):
    """forward: ids and mask, both (B, T) int64, to (B, D) float32 of length 1 and (B, T, D) float32.

    `head`, where there is one, maps each token's vector: for a linear map that is the same as to map their mean, and
    so the tokens' vectors lie in the space of the pooled ones.
    """

    def __init__(self, network: nn.Module, pooling: Pooling, head: nn.Linear | None = None) -> None:
        super().__init__()
        self.network = network
        self.head = head
        self._pooling: Pooling = pooling

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        hidden: Tensor = self.network(input_ids=ids, attention_mask=mask).last_hidden_state  # (B, T, D)
        if self.head is not None:
            hidden = self.head(hidden)
        hidden = hidden.float()
        return nn.functional.normalize(pool(hidden, mask, self._pooling), dim=-1), hidden


def pool(hidden: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    """(B, T, D) and (B, T) to (B, D): the first token's vector, or the mean over the tokens that are no padding."""
    if pooling == "cls":
        return hidden[:, 0]
    weights = mask[:, :, None].to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1)


def load(folder: ModelFolder, config: Any, pooling: Pooling, max_tokens: int) -> Network:
    """Raises OSError or ValueError: the folder lacks something, or its weights can't be read."""
    # Two texts of unlike length, so that nothing of a trace depends on either.
    ids = torch.ones((2, min(max_tokens, 6)), dtype=torch.int64)
    mask = ids.clone()
    mask[1, -1] = 0
    return Network(PooledText(load_body(folder, config), pooling, load_head(folder)), examples=(ids, mask))


def load_body(folder: ModelFolder, config: Any) -> nn.Module:
    """The transformer itself. Raises OSError or ValueError: the folder lacks something, or can't be read."""
    from transformers import AutoModel

    body: nn.Module = load_network(AutoModel.from_pretrained, folder.path, config=config)
    return body


def load_head(folder: ModelFolder) -> nn.Linear | None:
    """The linear map behind the pooling, if there is one. Raises ValueError: its weights can't be read."""
    found = folder.head()
    if found is None:
        return None
    head = nn.Linear(found.inputs, found.outputs, bias=found.bias)
    try:
        tensors = load_file(found.weights)
        head.load_state_dict({name.removeprefix("linear."): tensor for name, tensor in tensors.items()})
    except (RuntimeError, SafetensorError) as error:
        raise ValueError(f"{found.weights}: the weights can't be read: {error}") from error
    return head
