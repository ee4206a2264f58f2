"""How close candidates are to what was liked, in one modality, and how much that modality says about this user.

Candidates and liked items are compared by cosine after the candidates' mean is taken off: what all pictures of a
network have in common says nothing. Liked items then add up through a convex kernel, as in a kernel density estimate
(Parzen, 1962), so that one close item counts for more than several vague ones and a user of several tastes is served;
DIN (Zhou et al., 2018) calls the same, unnormalised, target attention. Because it is a plain sum, what each liked item
adds is known exactly.

All statistics are shrunk by a few imaginary candidates that are unrelated to the user, so that one candidate alone, or
two, work as well as hundreds, without a special case.
"""

from dataclasses import dataclass

import numpy as np

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.fusion_ranker.models.fusing import present
from modalmesh_services.fusion_ranker.requests import Flags, Floats, Integers

# A centred vector of a smaller squared length is rounding noise: candidates that all look the same.
LEAST_SQUARE = 1e-4


@dataclass(frozen=True, slots=True)
class KernelConfig:
    """How similarity is measured.

    `sharpness`: 0 counts all liked items alike, more of it favours the closest. `imaginary`: so many unrelated
    candidates join the real ones, whose similarities have the standard deviation `spread`.
    """

    sharpness: float
    imaginary: float
    spread: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one modality says.

    `parts` (C, J) float64: what each liked item adds to each candidate; rows add up to the candidate's score, asinh of
    its similarity in standard deviations above the candidates' mean, 0 where the candidate lacks the modality.
    `shift`: a liked item's score, on average, by the other liked items alone. `liked`: how many items tell that.
    """

    parts: Floats
    shift: float
    liked: float

    def weighed(self, weight: float) -> "Evidence":
        return Evidence(weight * self.parts, self.shift, self.liked)

    def totals(self) -> Floats:
        """(C,) float64: what all liked items add to each candidate."""
        totals: Floats = self.parts.sum(axis=1)
        return totals

    def of(self, places: Integers) -> Floats:
        """(E, J) float64: the parts of the candidates at `places` (E,)."""
        return self.parts[places]


def evidence(
    candidates: FloatMatrix, liked: FloatMatrix, weights: Floats, same: Flags, counted: Flags, config: KernelConfig
) -> Evidence:
    """Compare candidates (C, D) to liked items (J, D), weighted (J,); zeros where the modality is missing.

    `same` (C, J) tells which candidate is which liked item: nothing speaks for itself. `counted` (C,): the candidates
    that all statistics are of.
    """
    parts: Floats = np.zeros(same.shape)
    there, known = present(candidates), present(liked)
    if not there.any() or not known.any():
        return Evidence(parts, 0.0, 0.0)
    weights = weights[known] / weights[known].sum()
    to_candidates, among_liked = _cosines(candidates, liked, counted & there, config.imaginary)
    added = _kernel(to_candidates[np.ix_(there, known)], config) * weights  # (C', J')
    others = ~same[np.ix_(there, known)]
    # A view, not a copy, where there is no variation.
    real = slice(None) if counted.all() else counted[there]
    means = (added * others)[real].sum(axis=0) / (others[real].sum(axis=0) + config.imaginary)  # (J',)
    added = np.where(others, added - means, 0.0)
    totals = added.sum(axis=1, keepdims=True)  # (C', 1)
    added_deviations = added / _deviation(totals[real], config.spread, config)
    # Each part of a score is compressed as the whole is, so that they still add up.
    parts[np.ix_(there, known)] = added_deviations * _compression(added_deviations.sum(axis=1, keepdims=True))
    between = _kernel(among_liked[np.ix_(known, known)], config) * weights
    return Evidence(parts, *_shift(added[real], means, between, weights, config))


def _cosines(candidates: FloatMatrix, liked: FloatMatrix, counted: Flags, imaginary: float) -> tuple[Floats, Floats]:
    """Cosines (C, J) of candidates to liked items and (J, J) among these, all without the mean of the `counted` (C,).

    Worked out from dot products, so that no centred copy of the candidates is needed.
    """
    mean = (counted.astype(np.float32) @ candidates) / np.float32(counted.sum() + imaginary)
    points = np.concatenate([liked, mean[None]])  # (J + 1, D), the mean last
    ours: Floats = (candidates @ points.T).astype(np.float64)
    theirs: Floats = (points @ points.T).astype(np.float64)
    mean_square = theirs[-1, -1]
    our_squares = np.einsum("cd,cd->c", candidates, candidates) - 2 * ours[:, -1] + mean_square
    their_squares = np.diagonal(theirs) - 2 * theirs[:, -1] + mean_square
    ours = ours[:, :-1] - ours[:, -1:] - theirs[-1, :-1] + mean_square
    theirs = theirs[:-1, :-1] - theirs[:-1, -1:] - theirs[-1, :-1] + mean_square
    our_inverse, their_inverse = _inverse_lengths(our_squares), _inverse_lengths(their_squares[:-1])
    return ours * np.outer(our_inverse, their_inverse), theirs * np.outer(their_inverse, their_inverse)


def _inverse_lengths(squares: Floats) -> Floats:
    """0 for what is nothing but rounding noise: its cosine to anything is 0."""
    inverse: Floats = np.zeros(squares.shape)
    clear = squares > LEAST_SQUARE
    inverse[clear] = squares[clear] ** -0.5
    return inverse


def _kernel(cosines: Floats, config: KernelConfig) -> Floats:
    """0 for what is unrelated, slope 1 there, and convex."""
    # By rounding, or where vectors aren't of length 1, a cosine may lie beyond 1, which exp would make much of.
    cosines = np.clip(cosines, -1.0, 1.0)
    if config.sharpness == 0:
        return cosines
    bent: Floats = np.expm1(config.sharpness * cosines) / config.sharpness
    return bent


def _compression(scores: Floats) -> Floats:
    """asinh(score) / score: 1 around 0; far out a score counts by its logarithm, as a density in a log likelihood."""
    ratio: Floats = np.divide(np.arcsinh(scores), scores, out=np.ones_like(scores), where=scores != 0)
    return ratio


def _deviation(centred: Floats, spread: float | Floats, config: KernelConfig) -> Floats:
    """(J,) for (C, J): the standard deviation of each column over real and imaginary candidates."""
    squares = np.einsum("cj,cj->j", centred, centred) + config.imaginary * np.square(spread)
    deviation: Floats = np.sqrt(squares / (len(centred) + config.imaginary))
    return deviation


def _shift(added: Floats, means: Floats, between: Floats, weights: Floats, config: KernelConfig) -> tuple[float, float]:
    """Leave each liked item out in turn, and see how far above the candidates the others would have put it.

    `between` (J, J): what each liked item (column) adds to each (row). Returns the weighted mean of that, in standard
    deviations, and the number of items that it is known from, counted by their weights (Kish, 1965).
    """
    if len(weights) < 2:
        return 0.0, 0.0
    np.fill_diagonal(between, 0.0)
    scores = between.sum(axis=1) - (means.sum() - means)
    without = added.sum(axis=1, keepdims=True) - added  # (C, J): the candidates' scores without each liked item
    deviations = _deviation(without, config.spread * (1.0 - weights), config)
    return float(weights @ np.arcsinh(scores / deviations)), float(1.0 / np.square(weights).sum())
