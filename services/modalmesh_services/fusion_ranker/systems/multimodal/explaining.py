"""Why a candidate got its probability: what its logit loses by each modality, and by each item of the history.

What is lost by leaving one out doesn't add up to what is lost without any: two that say the same lose nothing alone.
The rest is shared equally among those that take part, the equal allocation of nonseparable contributions (Moulin
1985), so that contributions add up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from modalmesh.types import Explanation
from modalmesh_services.fusion_ranker.models.explaining import explanation
from modalmesh_services.fusion_ranker.moving import fetched, sent
from modalmesh_services.fusion_ranker.systems.multimodal.network import Events, Network

HISTORY = "history"
_Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Variants:
    """E candidates whole, without each of P signals, and without all: P + 2 in this order.

    `contents` (P + 2, E, D), `ids` (P + 2, E) int64; `active` (P, E) bool: which signals a candidate has.
    """

    names: Sequence[str]
    contents: Tensor
    ids: Tensor
    active: npt.NDArray[np.bool_]


def explained(
    network: Network, events: Events, history_ids: Sequence[str], item_ids: Sequence[str], variants: Variants
) -> list[Explanation]:
    """`events` of one user, B is 1, with the L items `history_ids`; one explanation a candidate."""
    vectors = network.with_ids(variants.contents, variants.ids)  # (P + 2, E, D)
    flat = vectors.flatten(0, 1)[None]
    logits = network.logits(events, network.read(events), flat, variants.ids.flatten()[None])
    whole, *without, nothing = _numbers(network, logits).reshape(vectors.shape[:2])
    signals = _allotted(whole, np.stack(without), nothing, variants.active)  # (P, E)
    names = list(dict.fromkeys(history_ids))
    history = _of_history(network, events, [names.index(each) for each in history_ids], vectors[0], variants.ids[0])
    found = _allotted(whole, history[:-1], history[-1], np.ones(history[:-1].shape, np.bool_))  # (J, E)
    return [
        explanation(
            item_id,
            float(nothing[place]),
            dict(zip(variants.names, signals[:, place].tolist(), strict=True)),
            names,
            {HISTORY: found[:, place]},
        )
        for place, item_id in enumerate(item_ids)
    ]


def _of_history(network: Network, events: Events, owners: Sequence[int], vectors: Tensor, ids: Tensor) -> _Numbers:
    """(J + 1, E): the logits without each of J items, then without all."""
    count = max(owners, default=-1) + 1
    item = torch.tensor(owners, dtype=torch.int64)
    mask = torch.cat([item != torch.arange(count)[:, None], torch.zeros(1, len(owners), dtype=torch.bool)])
    mask = sent(mask, events.mask.device)
    vectors_of, ids_of, ages, positive = (
        each.expand(count + 1, *each.shape[1:]) for each in (events.vectors, events.ids, events.ages, events.positive)
    )
    several = Events(vectors_of, ids_of, ages, positive, events.mask & mask)
    shape = (count + 1, *vectors.shape)
    return _numbers(
        network, network.logits(several, network.read(several), vectors.expand(shape), ids.expand(shape[:2]))
    )


def _numbers(network: Network, logits: Tensor) -> _Numbers:
    numbers: _Numbers = fetched(network.calibrated(logits)).astype(np.float64)
    return numbers


def _allotted(whole: _Numbers, without: _Numbers, nothing: _Numbers, active: npt.NDArray[np.bool_]) -> _Numbers:
    """`whole`, `nothing` (E,), `without` (P, E) to contributions (P, E), which add up to whole - nothing."""
    lost = np.where(active, whole - without, 0.0)
    rest = whole - nothing - lost.sum(axis=0)
    shared: _Numbers = lost + np.where(active, rest / np.maximum(active.sum(axis=0), 1), 0.0)
    return shared
