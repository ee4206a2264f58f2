"""The next liked item is told from other items of the batch by what was liked before it.

Sampled softmax over the batch, InfoNCE (van den Oord et al. 2018). The negatives' popularity is not corrected for: what
is popular comes up as a negative as often as it is liked, so that the vectors learn what goes together, not what is
popular, which a vector of length 1 has no room for.
"""

import torch
from torch import Tensor
from torch.nn import functional

_TEMPERATURE = 0.07
"""Where CLIP began (Radford et al. 2021); cosines of a base model's items are nearer to each other than 1 to -1."""


def next_liked_loss(vectors: Tensor, windows: Tensor, liked: Tensor) -> Tensor:
    """Mean cross-entropy () over all items of all windows but their first ones.

    `vectors` (n, D) float, of length 1; `windows` (B, M) int64: rows of `vectors` in the order in which one user liked
    them, -1 behind a short window's end; `liked` (B, n) bool: all that this user likes, which are no negatives.
    """
    known = windows >= 0
    rows = vectors[windows.clamp(min=0)] * known[:, :, None]  # (B, M, D)
    before = functional.normalize(rows.cumsum(dim=1)[:, :-1], dim=-1)  # (B, M - 1, D)
    logits = before @ vectors.T / _TEMPERATURE  # (B, M - 1, n)
    targets = windows[:, 1:]
    own = functional.one_hot(targets.clamp(min=0), len(vectors)).bool()
    logits = logits.masked_fill(liked[:, None, :] & ~own, -torch.inf)
    return functional.cross_entropy(logits[known[:, 1:]], targets[known[:, 1:]])
