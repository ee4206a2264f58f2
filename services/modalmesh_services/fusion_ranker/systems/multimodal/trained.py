"""A named system that has learned."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from modalmesh_services.fusion_ranker.dataset import Catalogue, History
from modalmesh_services.fusion_ranker.dataset.arrays import Floats, Times
from modalmesh_services.fusion_ranker.models.explaining import sigmoid
from modalmesh_services.fusion_ranker.models.parts.collaborative import COLD
from modalmesh_services.fusion_ranker.systems.interface import Parts
from modalmesh_services.fusion_ranker.systems.multimodal.checkpoint import Epoch
from modalmesh_services.fusion_ranker.systems.multimodal.items import Items, Layout
from modalmesh_services.fusion_ranker.systems.multimodal.network import Network
from modalmesh_services.fusion_ranker.systems.multimodal.reading import configuration_of
from modalmesh_services.fusion_ranker.systems.multimodal.scoring import contents_of, score_all


@dataclass(frozen=True, slots=True, eq=False)
class TrainedMultimodal:
    """`vocabulary`: the items that were learned by id, the first of which is called 1. `contents` (N, D), of the
    catalogue that is scored, and `ids` (N,) int64. `curve` is every epoch's loss and validation figure.
    """

    network: Network
    vocabulary: tuple[str, ...]
    contents: Tensor
    ids: Tensor
    has_order: bool
    curve: tuple[Epoch, ...]

    def score(self, histories: Sequence[History], times_ms: Times) -> Floats:
        return score_all(self.network, self.contents, self.ids, histories, times_ms, has_order=self.has_order)

    def probabilities(self, scores: Floats, histories: Sequence[History], times_ms: Times) -> Floats:
        """Scores are their logits."""
        return np.asarray(sigmoid(scores.astype(np.float64)), np.float32)

    def serving(self, catalogue: Catalogue) -> Self:
        items = self.network.items.prepared(Items.of(catalogue, self.network.layout).to(self.ids.device))
        ids = ids_of(catalogue.item_ids, self.vocabulary).to(self.ids.device)
        return replace(self, contents=contents_of(self.network, items), ids=ids)

    def parts(self) -> Parts:
        arrays = {name: each.detach().cpu().numpy() for name, each in self.network.state_dict().items()}
        return Parts(
            {
                "configuration": asdict(self.network.configuration),
                "layout": self.network.layout.as_json(),
                "has_order": self.has_order,
                "curve": [asdict(epoch) for epoch in self.curve],
            },
            arrays,
            self.vocabulary,
        )


def ids_of(item_ids: Sequence[str], vocabulary: Sequence[str]) -> Tensor:
    """(N,) int64: from 1, COLD for an item that wasn't learned by id."""
    number = {item_id: place + 1 for place, item_id in enumerate(vocabulary)}
    return torch.tensor([number.get(item_id, COLD) for item_id in item_ids], dtype=torch.int64)


def network_of(parts: Parts) -> Network:
    """On the CPU, in eval mode.

    Raises:
        ValueError: these parts are not whole.
    """
    try:
        settings: Mapping[str, Any] = parts.settings
        network = Network(
            configuration_of(settings["configuration"]), Layout.from_json(settings["layout"]), len(parts.item_ids)
        )
        tensors = {name: torch.from_numpy(np.array(each)) for name, each in parts.arrays.items()}
        network.load_state_dict(tensors)
    except (KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"no whole network: {error}") from error
    return network.eval()
