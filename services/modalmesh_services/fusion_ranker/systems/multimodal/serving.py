"""A named system as the ranker service serves it.

A fused vector holds an item's content vector (D), and after it what that would be without each of the M modalities, so
that an explanation can leave them out: (M + 1) * D numbers.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from modalmesh.embeddings import Embeddings, FloatMatrix, ModelId
from modalmesh.types import Explanation
from modalmesh_services.common.backends.device import CPU, Device, torch_device
from modalmesh_services.fusion_ranker.dataset import History as DatasetHistory
from modalmesh_services.fusion_ranker.models.explaining import sigmoid
from modalmesh_services.fusion_ranker.models.interface import (
    ModelDescription,
    Probabilities,
    ProposedItem,
    UserQueries,
)
from modalmesh_services.fusion_ranker.models.parts.collaborative import COLD
from modalmesh_services.fusion_ranker.moving import fetched, sent
from modalmesh_services.fusion_ranker.requests import (
    NO_ROW,
    ExplainRequest,
    FuseRequest,
    History,
    Integers,
    ItemTokens,
    ProposeRequest,
    RankRequest,
    UserRequest,
)
from modalmesh_services.fusion_ranker.systems.interface import MadeFor, Parts
from modalmesh_services.fusion_ranker.systems.multimodal.explaining import Variants, explained
from modalmesh_services.fusion_ranker.systems.multimodal.fuse_requests import items_of, nothing_known
from modalmesh_services.fusion_ranker.systems.multimodal.items import Items
from modalmesh_services.fusion_ranker.systems.multimodal.network import Events, Network
from modalmesh_services.fusion_ranker.systems.multimodal.states import Pasts
from modalmesh_services.fusion_ranker.systems.multimodal.trained import network_of

_COLLABORATIVE = "collaborative"


def ranker(parts: Parts, made_for: MadeFor, device: Device = CPU) -> "MultimodalRanker":
    """All of it runs on the device but what finds rows and ids, and sigmoids.

    Raises:
        ValueError: these parts are not whole, or take vectors of other dims.
    """
    network = network_of(parts)
    made = {"text": made_for.text_dim, "image": made_for.image_dim, "frames": made_for.image_dim}
    for name, size, _ in network.layout.dims:
        if made[name] != size:
            raise ValueError(f"learned from {name} vectors of {size} numbers, not of {made[name]}")
    has_order = bool(parts.settings.get("has_order", True))
    return MultimodalRanker(network, parts.item_ids, made_for, device, has_order=has_order)


class MultimodalRanker:
    """A RankerModel."""

    def __init__(
        self, network: Network, vocabulary: Sequence[str], made_for: MadeFor, device: Device, *, has_order: bool
    ) -> None:
        self._device = torch_device(device)
        self._network, self._has_order = network.to(self._device), has_order
        self._ids = {item_id: place + 1 for place, item_id in enumerate(vocabulary)}
        self._dim, self._names = network.configuration.dim, network.items.names
        self._nothing = self._content_of_nothing()
        self._description = made_for.description(
            f"torch-{torch.__version__}/{device.type}/fp32", self._dim * (len(self._names) + 1)
        )

    @property
    def description(self) -> ModelDescription:
        return self._description

    @torch.inference_mode()
    def fuse(self, request: FuseRequest) -> FloatMatrix:
        """Zeros for an item of which nothing is known: no retrieval finds it."""
        items = self._prepared(request)
        parts = [self._network.items(items, kept).vectors for kept in self._kept()]
        fused = torch.cat(parts, dim=1).masked_fill(nothing_known(items)[:, None], 0.0)
        return np.ascontiguousarray(fetched(fused), dtype=np.float32)

    @torch.inference_mode()
    def encode_user(self, request: UserRequest) -> UserQueries:
        """One query, whose dot product with a fused vector is the part of the logit that the history encoder adds."""
        fused_dim = self._description.fused_dim
        if not len(request.history.item_ids):
            return UserQueries(np.zeros((0, fused_dim), np.float32), np.zeros(0, np.float32))
        pasts = self._pasts(request.history, request.time_ms)
        user = self._network.read(self._events(request.vectors.values, request.history, pasts)).user
        query = np.zeros((1, fused_dim), np.float32)
        query[:, : self._dim] = fetched(user) / np.sqrt(self._dim)
        return UserQueries(query, np.ones(1, np.float32))

    def propose(self, request: ProposeRequest) -> Sequence[ProposedItem]:
        """Nothing: candidates are found by the user's query."""
        return ()

    @torch.inference_mode()
    def rank(self, request: RankRequest) -> Probabilities:
        pasts = self._pasts(request.history, request.time_ms)
        events = self._events(request.vectors.values, request.history, pasts)
        contents = self._sent(self._contents(request.vectors.values, request.candidates.rows))
        ids = self._sent(self._ids_of(request.candidates.item_ids))
        vectors = self._network.with_ids(contents, ids)
        logits = self._network.logits(events, self._network.read(events), vectors[None], ids[None])
        return sigmoid(fetched(self._network.calibrated(logits)[0]).astype(np.float64))

    @torch.inference_mode()
    def explain(self, request: ExplainRequest) -> Sequence[Explanation]:
        """Signals: the candidate's modalities and what is learned by its id, by leaving each out. The history: each
        item by leaving it out, so far as it is read.
        """
        ranking, values = request.ranking, request.ranking.vectors.values
        pasts = self._pasts(ranking.history, ranking.time_ms)
        history_ids = [ranking.history.item_ids[place] for place in pasts.rows[0].tolist()]
        item_ids = [ranking.candidates.item_ids[place] for place in request.explain]
        variants = self._variants(values, ranking.candidates.rows[list(request.explain)], self._ids_of(item_ids))
        return explained(self._network, self._events(values, ranking.history, pasts), history_ids, item_ids, variants)

    @torch.inference_mode()
    def _content_of_nothing(self) -> Tensor:
        """(1, D), on the CPU."""
        nowhere = Embeddings(np.zeros((0, 1), np.float32), ModelId())
        items = self._prepared(FuseRequest(nowhere, nowhere, [ItemTokens("")]))
        vectors: Tensor = self._network.items(items).vectors
        return vectors.cpu()

    def _prepared(self, request: FuseRequest) -> Items:
        return self._network.items.prepared(items_of(request, self._network.layout).changed(self._sent))

    def _sent(self, tensor: Tensor) -> Tensor:
        return sent(tensor, self._device)

    def _pasts(self, history: History, time_ms: int) -> Pasts:
        """Of the events that are read; `rows` (1, L) are places in the history."""
        order = np.argsort(history.times_ms, kind="stable").astype(np.int32)
        values = np.asarray(history.values[order], np.float32)
        events = DatasetHistory("", order, history.times_ms[order], values, history.positive[order])
        most = self._network.configuration.history.events
        return Pasts.of([events], np.array([time_ms], np.int64), most, has_order=self._has_order)

    def _events(self, vectors: FloatMatrix, history: History, pasts: Pasts) -> Events:
        places = pasts.rows[0].numpy()
        contents = self._sent(self._contents(vectors, history.rows[places]))
        ids = self._sent(self._ids_of([history.item_ids[place] for place in places.tolist()]))
        known = torch.ones(1, len(places), dtype=torch.bool, device=self._device)
        ages, positive = self._sent(pasts.ages), self._sent(pasts.positive)
        return Events(self._network.with_ids(contents, ids)[None], ids[None], ages, positive, known)

    def _contents(self, vectors: FloatMatrix, rows: Integers, block: int = 0) -> Tensor:
        """(N, D), on the CPU: content vectors, whole (block 0) or without modality `block - 1`; of an item without a
        fused vector, or with one of zeros, what one would be of which nothing is known.
        """
        own = slice(block * self._dim, (block + 1) * self._dim)
        there = rows != NO_ROW
        contents = self._nothing.repeat(len(rows), 1)
        found = torch.from_numpy(np.ascontiguousarray(vectors[rows[there], own]))
        known = found.any(dim=1)
        contents[np.flatnonzero(there)[known.numpy()]] = found[known]
        return contents

    def _variants(self, vectors: FloatMatrix, rows: Integers, ids: Tensor) -> Variants:
        whole = self._contents(vectors, rows)
        without = [self._contents(vectors, rows, place + 1) for place in range(len(self._names))]
        cold = torch.full_like(ids, COLD)
        active = torch.stack([*((each != whole).any(dim=1) for each in without), ids != COLD])
        return Variants(
            (*self._names, _COLLABORATIVE),
            self._sent(torch.stack([whole, *without, whole, self._nothing.expand_as(whole)])),
            self._sent(torch.stack([*[ids] * (len(without) + 1), cold, cold])),
            active.numpy(),
        )

    def _ids_of(self, item_ids: Sequence[str]) -> Tensor:
        return torch.tensor([self._ids.get(item_id, COLD) for item_id in item_ids], dtype=torch.int64)

    def _kept(self) -> Sequence[Tensor]:
        """M + 1 of (M,) bool: all modalities, then without each."""
        count = len(self._names)
        everything = torch.ones(count, dtype=torch.bool, device=self._device)
        return [everything, *~torch.eye(count, dtype=torch.bool, device=self._device)]
