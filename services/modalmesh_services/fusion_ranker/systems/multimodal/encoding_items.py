"""Items' tokens to one vector each: alignment, completion, fusion."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from modalmesh_services.fusion_ranker.models.parts.alignment import (
    AdversarialAligner,
    Aligner,
    ContrastiveAdversarialAligner,
    ContrastiveAligner,
    LinearAligner,
)
from modalmesh_services.fusion_ranker.models.parts.attributes import AttributeBags
from modalmesh_services.fusion_ranker.models.parts.balance import ContributionGates, ModalityDropout, noisy
from modalmesh_services.fusion_ranker.models.parts.completion import (
    Completion,
    ConditionalGan,
    LearnedToken,
    Regression,
)
from modalmesh_services.fusion_ranker.models.parts.frames import AttentionFrames, FramePooling, RecurrentFrames
from modalmesh_services.fusion_ranker.models.parts.fusion import (
    AddFusion,
    AttentionFusion,
    ConcatFusion,
    Fusion,
    GatedFusion,
)
from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens, joined, masked_mean
from modalmesh_services.fusion_ranker.systems.multimodal.configuration import Configuration
from modalmesh_services.fusion_ranker.systems.multimodal.items import ATTRIBUTES, Items, Layout


@dataclass(frozen=True, slots=True)
class Encoded:
    """`vectors` (N, D); `means` (N, M, D): each modality's mean as aligned, before completion."""

    vectors: Tensor
    means: Tokens
    aligned: Mapping[str, Tokens]


class Standardise(nn.Module):
    """Vectors to length 1, less the mean of all, in units of their spread: networks' features have much in common."""

    mean: Tensor
    spread: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("spread", torch.tensor(size**-0.5))

    @torch.no_grad()
    def measure(self, tokens: Tokens) -> None:
        """From (N, T, its size)."""
        vectors = functional.normalize(tokens.values[tokens.mask], dim=-1)
        if len(vectors):
            self.mean.copy_(vectors.mean(dim=0))
            self.spread.copy_((vectors - self.mean).square().mean().sqrt().clamp(min=1e-6))

    def forward(self, tokens: Tokens) -> Tokens:
        vectors = functional.normalize(tokens.clean().values, dim=-1)
        return Tokens((vectors - self.mean) / self.spread, tokens.mask).clean()


class ItemEncoder(nn.Module):
    """`names` are the M modalities that the layout has, in the configuration's order."""

    def __init__(self, configuration: Configuration, layout: Layout) -> None:
        super().__init__()
        dim, dims = configuration.dim, {name: size for name, size, _ in layout.dims}
        self.names = layout.modalities
        self.standards = nn.ModuleDict({name: Standardise(size) for name, size in dims.items()})
        self.aligner = _aligner(configuration, dims)
        self.frames = _frames(configuration) if "frames" in dims else None
        bags = configuration.attributes
        self.bags = AttributeBags(len(layout.values), dim, bags.dropout, bags.l1, bags.l2) if layout.values else None
        self.dropout = ModalityDropout(configuration.balance.dropout)
        self.gates = ContributionGates(len(self.names)) if configuration.balance.gates else None
        self.completion = _completion(configuration, len(self.names))
        self.fusion = _fusion(configuration, self.names)
        self.norm = nn.LayerNorm(dim)
        self._noise = configuration.balance.noise

    @torch.no_grad()
    def measure(self, items: Items) -> None:
        """Take the vectors' mean and spread from these items."""
        for name, standard in self.standards.items():
            standard.measure(items.tokens[name])  # type: ignore[operator] # Modules in a dict are of no type.

    @torch.no_grad()
    def prepared(self, items: Items) -> Items:
        """What doesn't change in training, done once: vectors standardised."""
        tokens = {name: standard(items.tokens[name]) for name, standard in self.standards.items()}
        return Items(tokens, items.attributes)

    def forward(self, items: Items, kept: Tensor | None = None) -> Encoded:
        """Items as `prepared`. `kept` (M,) or (N, M) bool: as if they lacked the other modalities."""
        aligned = self._aligned(items)
        present = torch.stack([aligned[name].present for name in self.names], dim=1)
        means = Tokens(torch.stack([masked_mean(aligned[name]) for name in self.names], dim=1), present)
        stay = self.dropout(present) if kept is None else present & kept
        tokens = {
            name: Tokens(part.values, part.mask & stay[:, place, None])
            for place, (name, part) in enumerate(aligned.items())
        }
        if self._noise and self.training:
            tokens = {name: noisy(part, self._noise) for name, part in tokens.items()}
        tokens = self._completed(self._gated(tokens), Tokens(means.values, stay))
        return Encoded(self.norm(self.fusion(tokens)), means, aligned)

    def losses(self, encoded: Encoded, items: Items) -> dict[str, dict[str, Tensor]]:
        """By part: alignment, completion, attributes."""
        return {
            "alignment": self.aligner.losses(encoded.aligned),
            "completion": self.completion.losses(encoded.means) if self.completion else {},
            "attributes": self.bags.losses(items.attributes) if self.bags else {},
        }

    def modules_of(self, name: str) -> nn.Module:
        """What only this modality's vectors pass."""
        if name == ATTRIBUTES and self.bags is not None:
            return self.bags
        return self.aligner.layers[name]

    def _aligned(self, items: Items) -> dict[str, Tokens]:
        """Each modality (N, T, D), in the order of `names`."""
        aligned = self.aligner(items.tokens)
        if self.frames is not None:
            aligned["frames"] = self.frames(aligned["frames"])
        if self.bags is not None:
            aligned[ATTRIBUTES] = self.bags(items.attributes)
        return {name: aligned[name] for name in self.names}

    def _gated(self, tokens: Mapping[str, Tokens]) -> dict[str, Tokens]:
        if self.gates is None:
            return dict(tokens)
        ones = torch.ones(1, len(self.names), 1, device=self.norm.weight.device)
        gates = self.gates(Tokens(ones, ones[..., 0].bool())).values[0]  # (M, 1)
        named = zip(gates, tokens.items(), strict=True)
        return {name: Tokens(part.values * gate, part.mask) for gate, (name, part) in named}

    def _completed(self, tokens: dict[str, Tokens], means: Tokens) -> dict[str, Tokens]:
        """A made token for each modality that an item lacks."""
        if self.completion is None:
            return tokens
        made = self.completion.made(means)
        return {
            name: joined(part, Tokens(made[:, place : place + 1], ~means.mask[:, place : place + 1]))
            for place, (name, part) in enumerate(tokens.items())
        }


def _aligner(configuration: Configuration, dims: Mapping[str, int]) -> Aligner:
    settings, dim = configuration.alignment, configuration.dim
    match settings.kind:
        case "contrastive":
            return ContrastiveAligner(dims, dim, settings.temperature)
        case "adversarial":
            return AdversarialAligner(dims, dim, settings.strength)
        case "contrastive_adversarial":
            return ContrastiveAdversarialAligner(dims, dim, settings.temperature, settings.strength)
    return LinearAligner(dims, dim)


def _frames(configuration: Configuration) -> FramePooling:
    pooling = RecurrentFrames if configuration.frames.kind == "recurrent" else AttentionFrames
    return pooling(configuration.dim)


def _completion(configuration: Configuration, modalities: int) -> Completion | None:
    kinds: dict[str, type[LearnedToken | Regression | ConditionalGan]] = {
        "token": LearnedToken,
        "regression": Regression,
        "gan": ConditionalGan,
    }
    kind = kinds.get(configuration.completion.kind)
    return kind(modalities, configuration.dim) if kind else None


def _fusion(configuration: Configuration, names: tuple[str, ...]) -> Fusion:
    settings, dim = configuration.fusion, configuration.dim
    if settings.kind == "attention":
        return AttentionFusion(names, dim, settings.heads, settings.dropout)
    kinds: dict[str, type[GatedFusion | ConcatFusion | AddFusion]] = {
        "gated": GatedFusion,
        "concat": ConcatFusion,
        "add": AddFusion,
    }
    return kinds[settings.kind](names, dim)
