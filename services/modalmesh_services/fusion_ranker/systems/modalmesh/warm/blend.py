"""Features of candidates -> calibrated logits: networks of several seeds, averaged."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from modalmesh_services.common.backends.device import torch_device
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats
from modalmesh_services.fusion_ranker.moving import fetched, sent
from modalmesh_services.fusion_ranker.systems.devices import training_device
from modalmesh_services.fusion_ranker.systems.interface import Step, Watch
from modalmesh_services.fusion_ranker.systems.modalmesh.settings import Settings
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.calibrating import Calibration
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.network import Scale, learn, network

_CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """B lists of C places: `features` (B, C, F); `leads` (B, C): the leading model's scores; `allowed` (B, C): which
    hold a candidate; `wanted` (B, C).
    """

    features: Floats
    leads: Floats
    allowed: Flags
    wanted: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """`lead` is what the leading model adds to the networks, in log probabilities a standard deviation. `networks` are
    on the `device`.
    """

    scale: Scale
    networks: tuple[nn.Sequential, ...]
    calibration: Calibration
    lead: float
    device: torch.device = _CPU

    @classmethod
    def learn(cls, lists: Lists, settings: Settings, watch: Watch, lead: float) -> "Blend":
        """A network that the watch's folder holds is not learned again."""
        allowed, wanted, device = lists.allowed, lists.wanted, torch_device(training_device(watch.device))
        scale = Scale.of(lists.features[allowed])
        scaled = scale(lists.features)
        networks = []
        for place, seed in enumerate(settings.seeds):
            tell = partial(_tell, watch, place * settings.epochs, settings.networks * settings.epochs)
            kept = watch.folder / f"network-{seed}.npz" if watch.folder else None
            model = _read(kept, scaled.shape[-1]) if kept and kept.exists() else None
            if model is None:
                model = learn(scaled, allowed, wanted, seed, settings.epochs, tell, device)
                if kept:
                    _write(kept, model)
            networks.append(model)
        blend = cls(scale, tuple(networks), Calibration(), lead)
        scores = blend._scores(scaled, lists.leads, allowed)
        return cls(scale, blend.networks, Calibration.of(scores[allowed], wanted[allowed]), lead)

    def on(self, device: torch.device) -> "Blend":
        return replace(self, networks=tuple(network.to(device) for network in self.networks), device=device)

    def logits(self, features: Floats, leads: Floats, allowed: Flags) -> Floats:
        """(B, C); -inf where no candidate is."""
        return np.where(allowed, self.calibration(self._scores(self.scale(features), leads, allowed)), -np.inf)

    def raw(self, scaled: Floats) -> Floats:
        """(..., C): as `logits`, but for a constant a list, of features that are scaled and without what leads."""
        with torch.inference_mode():
            rows = sent(torch.from_numpy(np.ascontiguousarray(scaled)), self.device)
            scores = torch.stack([own(rows)[..., 0] for own in self.networks]).mean(dim=0)
            return self.calibration(fetched(scores))

    def _scores(self, scaled: Floats, leads: Floats, allowed: Flags) -> Floats:
        return self._log_shares(scaled, allowed) + np.float32(self.lead) * leads

    def _log_shares(self, scaled: Floats, allowed: Flags) -> Floats:
        """(B, C): the logarithm of the share of a list's targets that a candidate is expected to be."""
        with torch.inference_mode():
            there = sent(torch.from_numpy(allowed), self.device)
            rows = sent(torch.from_numpy(scaled), self.device)
            scores = [own(rows)[..., 0].masked_fill(~there, -torch.inf).log_softmax(dim=1) for own in self.networks]
            return np.asarray(fetched(torch.stack(scores).mean(dim=0)), np.float32)


def _tell(watch: Watch, before: int, total: int, epoch: int, loss: float) -> None:
    watch.tell(Step("warm items", before + epoch, total, loss))


def _write(path: Path, model: nn.Sequential) -> None:
    """Whole, or not at all."""
    part = path.with_suffix(".part.npz")
    np.savez(part, **{name: own.numpy() for name, own in model.state_dict().items()})
    part.replace(path)


def _read(path: Path, feature_count: int) -> nn.Sequential:
    model = network(feature_count)
    with np.load(path, allow_pickle=False) as kept:
        model.load_state_dict({name: torch.from_numpy(kept[name]) for name in kept.files})
    return model.eval()
