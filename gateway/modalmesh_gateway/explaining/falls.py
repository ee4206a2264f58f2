"""How far a score falls without a part of its item, by the ranker itself. Knows no grpc and no protobuf.

Whatever the ranker's model is, it is asked nothing but Fuse and Rank (occlusion: Zeiler and Fergus, 2014).
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt

from modalmesh.embeddings import Embeddings
from modalmesh.errors import ModelMismatch
from modalmesh_gateway.building import portions
from modalmesh_gateway.ports import CandidateEntry, FuseInput, Ranker, RankInput
from modalmesh_services.common.deadline import Deadline

Falls = npt.NDArray[np.float64]

# Keeps logits finite; a probability that came as a float32 is hardly closer to 1.
_LEAST_ODDS = 1e-7


async def falls(
    ranker: Ranker, ranking: RankInput, without: Sequence[Sequence[FuseInput]], deadline: Deadline
) -> list[Falls]:
    """How far the logit of each of the first candidates falls when it is as each of its entries of `without` says: one
    array (W,) float64 a candidate, all by one call of Rank, in which no variation changes another's score.

    Raises:
        Unavailable, Overloaded: the ranker failed.
        ModelMismatch: the ranker was replaced: what it fuses now isn't of the ranking's vectors' space.
    """
    inputs = [each for own in without for each in own]
    if not inputs:
        return [np.zeros(0) for _ in without]
    vectors = [await ranker.fuse(portion, deadline) for portion in portions(inputs)]
    if any(each.model.fingerprint != ranking.vectors.model.fingerprint for each in vectors):
        raise ModelMismatch("the ranker was replaced while a score was explained")
    values = np.concatenate([ranking.vectors.values, *(each.values for each in vectors)])
    owners = [candidate for candidate, own in zip(ranking.candidates, without, strict=False) for _ in own]
    variations = [
        replace(owner, row=ranking.vectors.rows + number, variation=True) for number, owner in enumerate(owners)
    ]
    candidates: list[CandidateEntry] = [*ranking.candidates, *variations]
    varied = replace(ranking, vectors=Embeddings(values, ranking.vectors.model), candidates=candidates)
    logits = _logits(await ranker.rank(varied, deadline))
    ends = list(accumulate((len(own) for own in without), initial=len(ranking.candidates)))
    return [logits[place] - logits[start:end] for place, (start, end) in enumerate(pairwise(ends))]


def _logits(probabilities: npt.NDArray[np.float32]) -> Falls:
    inner = np.clip(probabilities.astype(np.float64), _LEAST_ODDS, 1 - _LEAST_ODDS)
    logits: Falls = np.log(inner) - np.log1p(-inner)
    return logits
