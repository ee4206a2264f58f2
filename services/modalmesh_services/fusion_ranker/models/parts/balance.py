"""Balance between modalities, so that the one that learns fastest doesn't keep the others from learning."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from modalmesh_services.fusion_ranker.models.parts.completion import ConditionalGan
from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens


class ModalityDropout(nn.Module):
    """Whole modalities of an item left out in training (Neverova et al. 2016, ModDrop), never its last one."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self._probability = probability

    def forward(self, present: Tensor) -> Tensor:
        """(N, M) bool to (N, M) bool: which of the modalities that are there stay."""
        if not self.training or not self._probability:
            return present
        chance = torch.rand(present.shape, device=present.device)
        kept = present & (chance >= self._probability)
        luckiest = chance.masked_fill(~present, -1.0).argmax(dim=1, keepdim=True)
        emptied = ~kept.any(dim=1, keepdim=True)
        spared = torch.zeros_like(present).scatter(1, luckiest, True) & present
        return kept | (spared & emptied)


class ContributionGates(nn.Module):
    """Modalities scaled by how much the loss grows without each, measured while training, as a moving average.

    Permutation importance (Breiman 2001) of a modality as a whole. Gates are positive and M on the whole, 1 each at
    the start.
    """

    contributions: Tensor

    def __init__(self, modalities: int, momentum: float = 0.9) -> None:
        super().__init__()
        self._momentum = momentum
        self.register_buffer("contributions", torch.zeros(modalities))

    def forward(self, modalities: Tokens) -> Tokens:
        """(N, M, D) to (N, M, D)."""
        gates = self.contributions.softmax(dim=0) * len(self.contributions)
        return Tokens(modalities.values * gates[:, None].to(modalities.values.dtype), modalities.mask)

    def measured(self, loss: Tensor, without: Tensor) -> None:
        """`loss` () with all modalities, `without` (M,) with each of them left out."""
        growth = (without - loss).detach() / loss.detach().clamp(min=1e-6)
        self.contributions.lerp_(growth.to(self.contributions), 1.0 - self._momentum)


def modulation(scores: Tensor, strength: float) -> Tensor:
    """(M,): what each modality's gradients are multiplied by, from how sure each alone is of what is right: `scores`
    (M,) positive. With rho a score over the mean of the others, 1 - tanh(strength * rho) where rho is above 1, else 1
    (Peng et al. 2022, OGM-GE, who have two modalities). A modality without others is never ahead.
    """
    if len(scores) < 2:
        return torch.ones_like(scores)
    others = (scores.sum() - scores) / (len(scores) - 1)
    ahead = scores / others.clamp(min=1e-12)
    return torch.where(ahead > 1.0, 1.0 - torch.tanh(strength * ahead), 1.0)


def modulate_gradients(modules: Mapping[str, nn.Module], factors: Mapping[str, float], noise: float = 0.0) -> None:
    """Scales each module's gradients by its factor. `noise` adds normal noise of that share of the gradients' own
    deviation, the generalisation enhancement (GE) of Peng et al. 2022.
    """
    for name, module in modules.items():
        for parameter in module.parameters():
            if parameter.grad is not None:
                spread = parameter.grad.std(correction=0) * noise
                parameter.grad.mul_(factors[name]).add_(torch.randn_like(parameter.grad) * spread)


def noisy(tokens: Tokens, scale: float) -> Tokens:
    """Normal noise of `scale` times the root mean square of a vector's values is added to each (N, T, D)."""
    # A root has no slope at 0, where a vector of zeros is.
    size = tokens.clean().values.square().mean(dim=-1, keepdim=True).clamp(min=1e-12).sqrt()
    return Tokens(tokens.values + scale * size * torch.randn_like(tokens.values), tokens.mask).clean()


def mixed(modalities: Tokens, concentration: float) -> Tokens:
    """Each vector (N, M, D) mixed with that of another item where both are there, itself always the larger part
    (Zhang et al. 2018, mixup; Verma et al. 2019 for hidden vectors).
    """
    rows = len(modalities.mask)
    other = torch.randperm(rows, device=modalities.mask.device)
    drawn = torch.distributions.Beta(concentration, concentration).sample((rows, 1, 1))
    share = torch.maximum(drawn, 1.0 - drawn).to(modalities.values)
    both = (modalities.mask & modalities.mask[other])[..., None]
    blend = share * modalities.values + (1.0 - share) * modalities.values[other]
    return Tokens(torch.where(both, blend, modalities.values), modalities.mask)


def remade(modalities: Tokens, gan: ConditionalGan, probability: float) -> Tokens:
    """At random, vectors (N, M, D) are replaced by what the GAN makes from the item's others, where it has others."""
    drawn = torch.rand(modalities.mask.shape, device=modalities.mask.device) < probability
    chosen = drawn & modalities.mask & (modalities.mask.sum(dim=1, keepdim=True) > 1)
    values = torch.where(chosen[..., None], gan.made(modalities).detach(), modalities.values)
    return Tokens(values, modalities.mask)
