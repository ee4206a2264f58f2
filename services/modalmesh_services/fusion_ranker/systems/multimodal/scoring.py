"""A network over a whole catalogue: every item's vector once, then users against all of them."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import Floats, Times
from modalmesh_services.fusion_ranker.systems.multimodal.items import Items
from modalmesh_services.fusion_ranker.systems.multimodal.network import Events, Network
from modalmesh_services.fusion_ranker.systems.multimodal.states import NOTHING, Pasts

_ITEMS_AT_ONCE = 1024


@torch.inference_mode()
def contents_of(network: Network, items: Items, kept: Tensor | None = None) -> Tensor:
    """(N, D): what each prepared item is by content alone; `kept` as in ItemEncoder."""
    parts = [
        network.items(items[slice(start, start + _ITEMS_AT_ONCE)], kept).vectors
        for start in range(0, len(items), _ITEMS_AT_ONCE)
    ]
    return torch.cat([torch.zeros(0, network.configuration.dim, device=items.attributes.device), *parts])


def events_of(vectors: Tensor, ids: Tensor, pasts: Pasts) -> Events:
    """`vectors` (N, D) of items, as with_ids gives them, and their `ids` (N,); rows of `pasts` are theirs."""
    known = pasts.rows.clamp(min=0)
    return Events(vectors[known], ids[known], pasts.ages, pasts.positive, pasts.rows != NOTHING)


@torch.inference_mode()
def score_all(
    network: Network,
    contents: Tensor,
    ids: Tensor,
    histories: Sequence[History],
    times_ms: Times,
    *,
    has_order: bool,
) -> Floats:
    """(U, N) float32: the logits of probabilities. The network must be in eval mode."""
    vectors = network.with_ids(contents, ids)
    pasts = Pasts.of(histories, times_ms, network.configuration.history.events, has_order=has_order)
    pasts = pasts.to(ids.device)
    scores = np.empty((len(histories), len(contents)), np.float32)
    for user in range(len(histories)):
        # One user at a time: what is compared of ten thousand items with fifty events takes some MB.
        row = slice(user, user + 1)
        own = Pasts(pasts.rows[row], pasts.ages[row], pasts.positive[row])
        events = events_of(vectors, ids, own)
        logits = network.logits(events, network.read(events), vectors[None], ids[None])
        scores[user] = network.calibrated(logits)[0].cpu().numpy()
    return scores
