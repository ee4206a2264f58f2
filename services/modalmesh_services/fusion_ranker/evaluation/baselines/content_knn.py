"""Content kNN: items that are like what was liked, by one kind of content or by a weighted sum of several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse

from modalmesh_services.fusion_ranker.dataset import Catalogue, History, liked_matrix
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes, SparseRows, Times
from modalmesh_services.fusion_ranker.evaluation.baselines.content_features import (
    IMAGE,
    Rows,
    features,
    lacking,
    raised,
    similarities,
)
from modalmesh_services.fusion_ranker.evaluation.baselines.interface import Baseline
from modalmesh_services.fusion_ranker.systems.interface import Training

_CHUNK = 500
"""Items compared with the liked ones at once: some 20 MB an array."""

_REFERENCE = 500
"""Items with a picture whose mean says what a picture usually adds."""


class Term(NamedTuple):
    """A kind of content whose cosine, raised to `power`, counts `weight`."""

    kind: str
    weight: float = 1.0
    power: int = 1


@dataclass(frozen=True, slots=True)
class ContentKnn(Baseline):
    """Two items are as similar as the sum of the terms says.

    An item's score sums up its `neighbours` most similar trainable items, where those are liked. An item without a
    picture gets what a picture adds on average, so that who has a picture, which says who is popular, counts nothing.
    """

    terms: tuple[Term, ...]
    neighbours: int = 100
    name: str = "content"
    version: int = 3

    def fit(self, training: Training) -> "FittedContentKnn":
        return FittedContentKnn.of(self, training.catalogue, teaching(training))


@dataclass(frozen=True, slots=True, eq=False)
class FittedContentKnn:
    """`taught` (N,) bool: the T items that may be neighbours; means of vectors are theirs.

    `similar` (N, T) CSR: row i holds item i's neighbours. `usual` (T,) float32: what a picture adds to each of them, on
    the average; the items `silent` (N,) bool have none.
    """

    system: ContentKnn
    catalogue: Catalogue
    taught: Flags
    similar: SparseRows
    usual: Floats
    silent: Flags

    @classmethod
    def of(cls, system: ContentKnn, catalogue: Catalogue, taught: Flags) -> "FittedContentKnn":
        kinds = {term.kind: features(catalogue, taught, term.kind) for term in system.terms}
        teachers = {kind: rows[np.flatnonzero(taught)] for kind, rows in kinds.items()}
        silent = lacking(catalogue, IMAGE)
        chunks = [
            # An item is no neighbour of its own; it is seen where it is liked.
            nearest(_mixed(system.terms, kinds, slice(start, start + _CHUNK), teachers), system.neighbours)
            for start in range(0, len(catalogue), _CHUNK)
        ]
        usual = _usual(system, teachers, np.flatnonzero(~silent[taught]).astype(np.int32))
        return cls(system, catalogue, taught, sparse.vstack(chunks, format="csr"), usual, silent)

    def score(self, histories: Sequence[History], times_ms: Times) -> Floats:
        liked = liked_matrix(histories, len(self.taught))[:, np.flatnonzero(self.taught)]
        found = (self.similar @ liked.T).toarray().T
        found[:, self.silent] += (liked @ self.usual)[:, None]
        return np.asarray(found, np.float32)

    def serving(self, catalogue: Catalogue) -> "FittedContentKnn":
        return self if catalogue is self.catalogue else self.of(self.system, catalogue, self.taught)


def teaching(training: Training) -> Flags:
    """(N,) bool: items that nobody likes are no neighbours, for no history's score could come from them."""
    liked = liked_matrix(training.histories, len(training.catalogue))
    return np.asarray(training.trainable & (np.asarray(liked.sum(axis=0)) > 0))


def nearest(similar: Floats, most: int) -> SparseRows:
    """(C, T) CSR of the `most` largest of each row; those that tie with the last of them stay, too."""
    if most < similar.shape[1]:
        least = np.partition(similar, -most, axis=1)[:, -most]
        similar = np.where(similar >= least[:, None], similar, np.float32(0))
    return sparse.csr_array(similar)


def _usual(system: ContentKnn, teachers: Mapping[str, Rows], having: Indexes) -> Floats:
    """(T,) float32: what pictures add to the neighbours of an item, the mean over teachers at `having` (h,)."""
    terms = [term for term in system.terms if term.kind == IMAGE]
    chosen = np.random.default_rng(0).permutation(having)[:_REFERENCE]
    if not terms or not len(chosen):
        return np.zeros(next(iter(teachers.values())).shape[0], np.float32)
    reference = {kind: rows[chosen] for kind, rows in teachers.items()}
    everything = slice(0, len(chosen))
    whole, shown = (_mixed(own, reference, everything, teachers) for own in (system.terms, terms))
    # As a cold item's: it isn't among the teachers itself.
    own = np.arange(len(chosen))
    whole[own, chosen] = shown[own, chosen] = 0
    kept = nearest(whole, system.neighbours)
    return np.asarray((sparse.csr_array(kept > 0) * shown).sum(axis=0) / len(chosen), np.float32).ravel()


def _mixed(terms: Sequence[Term], kinds: Mapping[str, Rows], chunk: slice, teachers: Mapping[str, Rows]) -> Floats:
    mix = np.zeros((1, 1), np.float32)
    for term in terms:
        similar = raised(similarities(kinds[term.kind][chunk], teachers[term.kind]), term.power)
        mix = mix + np.float32(term.weight) * similar
    return mix
