"""What a shard costs, and how much of it each modality alone would explain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from modalmesh_services.fusion_ranker.models.parts.collaborative import COLD
from modalmesh_services.fusion_ranker.models.parts.history import EncodedHistory
from modalmesh_services.fusion_ranker.models.parts.tokens import masked_mean
from modalmesh_services.fusion_ranker.systems.multimodal.encoding_items import Encoded
from modalmesh_services.fusion_ranker.systems.multimodal.items import Items
from modalmesh_services.fusion_ranker.systems.multimodal.network import Events, Network
from modalmesh_services.fusion_ranker.systems.multimodal.states import NOTHING, Shard


@dataclass(frozen=True, slots=True)
class Cost:
    """`parts` are scalars that add up to what is learned; `confidence` (M,): what each modality alone gives the
    targets, for gradient modulation.
    """

    parts: Mapping[str, Tensor]
    confidence: Tensor

    @property
    def total(self) -> Tensor:
        return torch.stack(list(self.parts.values())).sum()


class ShardLoss:
    """The items of a shard are encoded once each."""

    def __init__(self, network: Network, items: Items, ids: Tensor) -> None:
        """`items` prepared; `ids` (N,) int64: what each item of the catalogue is called in the vocabulary."""
        self._network, self._items, self._ids = network, items, ids

    def __call__(self, shard: Shard, kept: Tensor | None = None) -> Cost:
        """`kept` (M,) bool: as if items had only these modalities."""
        network, weights = self._network, self._network.configuration
        rows, (past, target, negative) = _distinct(shard.pasts.rows, shard.targets, shard.negatives)
        chosen = self._items[rows]
        encoded = network.items(chosen, kept)
        ids = self._dropped(self._ids[rows])
        vectors = network.with_ids(encoded.vectors, ids)
        pasts = shard.pasts
        events = Events(vectors[past], ids[past], pasts.ages, pasts.positive, pasts.rows != NOTHING)
        read = network.read(events)
        places = torch.cat([target, negative.expand(len(target), -1)], dim=1)  # (B, T + K)
        candidates = vectors[places]
        logits = network.logits(events, read, candidates, ids[places])
        retrieved = network.retrieved(read.user, candidates)
        parts = {
            "targets": self._ranked(logits, shard),
            "retrieval": weights.training.retrieval * self._ranked(retrieved, shard),
            **self._of_items(encoded, chosen),
        }
        return Cost(parts, self._confidence(encoded, read, places, shard))

    def _of_items(self, encoded: Encoded, chosen: Items) -> dict[str, Tensor]:
        configuration = self._network.configuration
        scale = {"alignment": configuration.alignment.weight, "completion": configuration.completion.weight}
        found = self._network.items.losses(encoded, chosen)
        return {name: scale.get(part, 1.0) * loss for part, own in found.items() for name, loss in own.items()}

    def _dropped(self, ids: Tensor) -> Tensor:
        """At random, items of a shard are as cold as if nobody had met them."""
        share = self._network.configuration.collaborative.dropout
        if not self._network.training or not share:
            return ids
        return ids.masked_fill(torch.rand(ids.shape, device=ids.device) < share, COLD)

    def _ranked(self, logits: Tensor, shard: Shard) -> Tensor:
        """The mean over targets, then over states."""
        count = shard.targets.shape[1]
        there, targets, others = shard.targets != NOTHING, logits[:, :count], logits[:, count:]
        if self._network.configuration.training.loss == "bce":
            losses = functional.softplus(-targets).masked_fill(~there, 0.0).sum(dim=1) / there.sum(dim=1)
            wrong = functional.softplus(others).masked_fill(~shard.allowed, 0.0).sum(dim=1)
            return (losses + wrong / shard.allowed.sum(dim=1).clamp(min=1)).mean()
        # Each drawn item stands for as many as are drawn as rarely (Bengio and Senecal 2008): the sum over all items.
        others = (others - shard.chances.log()).masked_fill(~shard.allowed, torch.finfo(others.dtype).min)
        total = torch.logaddexp(targets, others.logsumexp(dim=1, keepdim=True))
        losses = (total - targets).masked_fill(~there, 0.0).sum(dim=1) / there.sum(dim=1)
        return losses.mean()

    @torch.no_grad()
    def _confidence(self, encoded: Encoded, read: EncodedHistory, places: Tensor, shard: Shard) -> Tensor:
        """(M,): the mean probability of a target beside what was drawn, were items known by one modality alone."""
        if not self._network.configuration.balance.modulation:
            return torch.ones(len(self._network.items.names), device=places.device)
        there, count = shard.targets != NOTHING, shard.targets.shape[1]
        found = []
        for place, name in enumerate(self._network.items.names):
            alone = functional.layer_norm(masked_mean(encoded.aligned[name]), encoded.vectors.shape[-1:])
            alone = alone * encoded.means.mask[:, place, None]
            logits = self._network.retrieved(read.user, alone[places])
            chances = (logits[:, :count] - logits[:, count:].logsumexp(dim=1, keepdim=True)).sigmoid()
            found.append((chances * there).sum() / there.sum())
        return torch.stack(found)


def _distinct(*rows: Tensor) -> tuple[Tensor, Sequence[Tensor]]:
    """The items named, each once, and each tensor with places among them; place 0 where it names nothing."""
    flat, places = torch.unique(torch.cat([part.flatten() for part in rows]), return_inverse=True)
    nothing = int(flat[0] == NOTHING)
    parts = (places - nothing).clamp(min=0).split([part.numel() for part in rows])
    return flat[nothing:], [part.view_as(like) for part, like in zip(parts, rows, strict=True)]
