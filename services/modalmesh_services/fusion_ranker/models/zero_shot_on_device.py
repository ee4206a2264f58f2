"""The zero-shot model with its comparisons on a GPU. Fusing, and what has one number a candidate, stays in numpy."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from modalmesh_services.common.backends.device import Device, torch_device
from modalmesh_services.fusion_ranker.models.similarity_on_device import EvidenceOnDevice, evidence
from modalmesh_services.fusion_ranker.models.taste import Taste
from modalmesh_services.fusion_ranker.models.zero_shot import ZeroShotConfig, ZeroShotRanker
from modalmesh_services.fusion_ranker.moving import sent
from modalmesh_services.fusion_ranker.requests import NO_ROW, Flags, RankRequest


class ZeroShotOnDevice(ZeroShotRanker):
    """A RankerModel. A request's vectors are sent once; what comes back is a number a candidate and modality."""

    def __init__(self, config: ZeroShotConfig, device: Device) -> None:
        super().__init__(config, f"torch-{torch.__version__}/{device.type}/fp32")
        self._device = torch_device(device)

    @torch.inference_mode()
    def _compared(self, request: RankRequest, taste: Taste, same: Flags) -> tuple[EvidenceOnDevice, EvidenceOnDevice]:
        vectors, rows = self._sent(request.vectors.values), request.candidates.rows
        liked = vectors[self._sent(taste.rows)]
        known = np.flatnonzero(rows != NO_ROW)
        candidates = vectors.new_zeros(len(rows), self.description.fused_dim)
        candidates[self._sent(known)] = vectors[self._sent(rows[known])]
        weights, same_items, counted = map(self._sent, (taste.weights, same, request.candidates.counted))
        text, image = (
            evidence(candidates[:, part], liked[:, part], weights, same_items, counted, self._config.kernel)
            for part in (slice(None, self._config.text_dim), slice(self._config.text_dim, None))
        )
        return text, image

    def _sent(self, array: npt.NDArray[Any]) -> Tensor:
        # Arrays of a message may be read-only, which torch warns of; nothing writes into what is sent.
        return sent(torch.from_numpy(array if array.flags.writeable else array.copy()), self._device)
