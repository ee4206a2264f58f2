"""What `similarity` does, on a GPU: line by line the same, so that both can be read beside each other.

There every statement passes over candidates times liked items, which is all that zero-shot ranking costs; here that is
the device's. Floats are as long as there.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from modalmesh_services.fusion_ranker.models.fusing import LEAST_LENGTH
from modalmesh_services.fusion_ranker.models.similarity import LEAST_SQUARE, KernelConfig
from modalmesh_services.fusion_ranker.moving import fetched
from modalmesh_services.fusion_ranker.requests import Floats, Integers


@dataclass(frozen=True, slots=True)
class EvidenceOnDevice:
    """As `Evidence`; `parts` stay on the device."""

    parts: Tensor
    shift: float
    liked: float

    def weighed(self, weight: float) -> "EvidenceOnDevice":
        return EvidenceOnDevice(weight * self.parts, self.shift, self.liked)

    def totals(self) -> Floats:
        return fetched(self.parts.sum(dim=1))

    def of(self, places: Integers) -> Floats:
        return fetched(self.parts[torch.from_numpy(places).to(self.parts.device)])


def evidence(
    candidates: Tensor, liked: Tensor, weights: Tensor, same: Tensor, counted: Tensor, config: KernelConfig
) -> EvidenceOnDevice:
    """All of one device: candidates (C, D), liked (J, D) float32; weights (J,) float64; same (C, J), counted (C,)."""
    parts = torch.zeros(same.shape, dtype=torch.float64, device=same.device)
    present = _present(candidates)
    # By numbers and not by masks, for each of which the device would be waited for.
    there, known = present.nonzero()[:, 0], _present(liked).nonzero()[:, 0]
    if not len(there) or not len(known):
        return EvidenceOnDevice(parts, 0.0, 0.0)
    weights = weights[known] / weights[known].sum()
    to_candidates, among_liked = _cosines(candidates, liked, counted & present, config.imaginary)
    added = _kernel(to_candidates[there][:, known], config) * weights  # (C', J')
    others = ~same[there][:, known]
    real = counted[there].nonzero()[:, 0]
    means = (added * others)[real].sum(dim=0) / (others[real].sum(dim=0) + config.imaginary)  # (J',)
    added = torch.where(others, added - means, 0.0)
    totals = added.sum(dim=1, keepdim=True)  # (C', 1)
    added_deviations = added / _deviation(totals[real], config.spread, config)
    compressed = added_deviations * _compression(added_deviations.sum(dim=1, keepdim=True))
    parts[there[:, None], known] = compressed
    between = _kernel(among_liked[known][:, known], config) * weights
    return EvidenceOnDevice(parts, *_shift(added[real], means, between, weights, config))


def _present(parts: Tensor) -> Tensor:
    return parts.square().sum(dim=1).sqrt() > LEAST_LENGTH


def _cosines(candidates: Tensor, liked: Tensor, counted: Tensor, imaginary: float) -> tuple[Tensor, Tensor]:
    mean = (counted.float() @ candidates) / (counted.sum() + imaginary)
    points = torch.cat([liked, mean[None]])  # (J + 1, D), the mean last
    ours, theirs = (candidates @ points.T).double(), (points @ points.T).double()
    mean_square = theirs[-1, -1]
    our_squares = candidates.square().sum(dim=1) - 2 * ours[:, -1] + mean_square
    their_squares = theirs.diagonal() - 2 * theirs[:, -1] + mean_square
    ours = ours[:, :-1] - ours[:, -1:] - theirs[-1, :-1] + mean_square
    theirs = theirs[:-1, :-1] - theirs[:-1, -1:] - theirs[-1, :-1] + mean_square
    our_inverse, their_inverse = _inverse_lengths(our_squares), _inverse_lengths(their_squares[:-1])
    return ours * torch.outer(our_inverse, their_inverse), theirs * torch.outer(their_inverse, their_inverse)


def _inverse_lengths(squares: Tensor) -> Tensor:
    return torch.where(squares > LEAST_SQUARE, squares.clamp(min=LEAST_SQUARE).rsqrt(), 0.0)


def _kernel(cosines: Tensor, config: KernelConfig) -> Tensor:
    cosines = cosines.clamp(-1.0, 1.0)
    return torch.expm1(config.sharpness * cosines) / config.sharpness if config.sharpness else cosines


def _compression(scores: Tensor) -> Tensor:
    return torch.where(scores == 0, 1.0, torch.asinh(scores) / scores)


def _deviation(centred: Tensor, spread: float | Tensor, config: KernelConfig) -> Tensor:
    squares = centred.square().sum(dim=0) + config.imaginary * spread**2
    return (squares / (len(centred) + config.imaginary)).sqrt()


def _shift(added: Tensor, means: Tensor, between: Tensor, weights: Tensor, config: KernelConfig) -> tuple[float, float]:
    if len(weights) < 2:
        return 0.0, 0.0
    between.fill_diagonal_(0.0)
    scores = between.sum(dim=1) - (means.sum() - means)
    without = added.sum(dim=1, keepdim=True) - added
    deviations = _deviation(without, config.spread * (1.0 - weights), config)
    shift, liked = torch.stack([weights @ torch.asinh(scores / deviations), 1.0 / weights.square().sum()]).tolist()
    return shift, liked
