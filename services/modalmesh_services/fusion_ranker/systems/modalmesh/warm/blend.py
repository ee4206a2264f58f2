"""Features of candidates -> calibrated logits: networks of several seeds, averaged."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.calibrating import Calibration
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.network import SEEDS, Scale, learn


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    scale: Scale
    networks: tuple[nn.Sequential, ...]
    calibration: Calibration

    @classmethod
    def learn(cls, features: Floats, allowed: Flags, wanted: Flags, seeds: Sequence[int] = SEEDS) -> "Blend":
        """Of B lists: `features` (B, C, F); `allowed` (B, C): which places hold a candidate; `wanted` (B, C)."""
        scale = Scale.of(features[allowed])
        scaled = scale(features)
        blend = cls(scale, tuple(learn(scaled, allowed, wanted, seed) for seed in seeds), Calibration())
        scores = blend._log_shares(scaled, allowed)
        return cls(scale, blend.networks, Calibration.of(scores[allowed], wanted[allowed]))

    def logits(self, features: Floats, allowed: Flags) -> Floats:
        """(B, C); -inf where no candidate is."""
        return np.where(allowed, self.calibration(self._log_shares(self.scale(features), allowed)), -np.inf)

    def _log_shares(self, scaled: Floats, allowed: Flags) -> Floats:
        """(B, C): the logarithm of the share of a list's targets that a candidate is expected to be."""
        there = torch.from_numpy(allowed)
        with torch.inference_mode():
            rows = torch.from_numpy(scaled)
            scores = [own(rows)[..., 0].masked_fill(~there, -torch.inf).log_softmax(dim=1) for own in self.networks]
            return np.asarray(torch.stack(scores).mean(dim=0).numpy(), np.float32)
