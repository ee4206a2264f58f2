"""The model that needs no training: closeness to what was liked, by text and by picture, and popularity as a prior.

    logit = bias + w_text * s_text + w_image * s_image + w_popularity * s_popularity

Each s is in standard deviations above the candidates' mean (beyond a few of them in logarithms), and 0, the average,
where the modality is missing.

The weights of text and picture are each user's own. If a liked item's s is normally distributed around a shift d, and
the candidates' around 0, both with variance 1, then the log odds grow by d times s (linear discriminant analysis), so
d is the weight. It is measured by leaving out each liked item in turn and scoring it by the others. A user whose liked
items look alike but read differently has a large d for pictures and none for texts. Few liked items measure d badly:
`imaginary_likes` more of them, at the typical shift, are averaged in.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

import numpy as np

from modalmesh.embeddings import FloatMatrix, normalise
from modalmesh.types import Explanation
from modalmesh_services.fusion_ranker.models.explaining import explanation, sigmoid
from modalmesh_services.fusion_ranker.models.fusing import fuse_images, fuse_texts, join, present, split
from modalmesh_services.fusion_ranker.models.interface import (
    ModelDescription,
    Probabilities,
    ProposedItem,
    UserQueries,
)
from modalmesh_services.fusion_ranker.models.similarity import KernelConfig, evidence
from modalmesh_services.fusion_ranker.models.taste import Taste, taste_of
from modalmesh_services.fusion_ranker.requests import (
    ExplainRequest,
    Flags,
    Floats,
    FuseRequest,
    Integers,
    ProposeRequest,
    RankRequest,
    UserRequest,
    vectors_at,
)

NAME = "zero-shot"
# Counts changes of this model's code that change vectors or scores.
_VERSION = 1


@dataclass(frozen=True, slots=True)
class ZeroShotConfig:
    """Every value is part of the revision.

    Chosen on films never rated before (Recall@20 and NDCG@10 of cold items), on all films by time, and on the shop's
    customers. What counts: a sharp kernel (4; none loses 12 %) and equal text fields; the rest is flat around these.
    """

    text_dim: int = 384
    image_dim: int = 1280
    title_weight: float = 1.0
    description_weight: float = 1.0
    tags_weight: float = 1.0
    bias: float = -2.0
    popularity_weight: float = 0.5
    typical_text_shift: float = 0.8
    typical_image_shift: float = 0.4
    imaginary_likes: float = 2.0
    largest_weight: float = 3.0
    recency_power: float = 0.2
    kernel: KernelConfig = field(default=KernelConfig(sharpness=4.0, imaginary=2.0, spread=0.1))

    @property
    def revision(self) -> str:
        """Equal on every machine. 32 hexadecimal digits."""
        settings = json.dumps({"model": NAME, "version": _VERSION, **asdict(self)}, sort_keys=True)
        return hashlib.sha256(settings.encode()).hexdigest()[:32]


class Weighed(Protocol):
    """An Evidence, wherever its numbers are."""

    @property
    def shift(self) -> float: ...

    @property
    def liked(self) -> float: ...

    def weighed(self, weight: float) -> "Weighed": ...

    def totals(self) -> Floats: ...

    def of(self, places: Integers) -> Floats: ...


@dataclass(frozen=True, slots=True)
class _Scored:
    """What was added to the logits: by each liked item to each candidate, through `text` and `image`, and by
    `popularity` (C,) float64.
    """

    taste: Taste
    text: Weighed
    image: Weighed
    popularity: Floats


class ZeroShotRanker:
    """A RankerModel in numpy alone, without state."""

    def __init__(self, config: ZeroShotConfig | None = None, build: str = f"numpy-{np.__version__}/cpu/fp32") -> None:
        self._config = config or ZeroShotConfig()
        self._description = ModelDescription(
            name=NAME,
            revision=self._config.revision,
            build=build,
            text_dim=self._config.text_dim,
            image_dim=self._config.image_dim,
            fused_dim=self._config.text_dim + self._config.image_dim,
        )

    @property
    def description(self) -> ModelDescription:
        return self._description

    def fuse(self, request: FuseRequest) -> FloatMatrix:
        """(N, text_dim + image_dim) float32. An item with neither text nor picture is a row of zeros."""
        config = self._config
        field_weights = {
            "title": config.title_weight,
            "description": config.description_weight,
            "tags": config.tags_weight,
        }
        text = fuse_texts(request, field_weights, config.text_dim)
        return join(text, fuse_images(request, config.image_dim))

    def encode_user(self, request: UserRequest) -> UserQueries:
        """At most two queries: what was liked by its texts alone, and by its pictures alone, so that retrieval finds
        what is close in either. Weighted by how much of the history has the modality, and by its typical shift.
        """
        taste = taste_of(request.history, self._config.recency_power)
        text, image = split(request.vectors.values[taste.rows], self._config.text_dim)
        typical = (self._config.typical_text_shift, self._config.typical_image_shift)
        queries: list[FloatMatrix] = []
        weights: list[float] = []
        for position, parts in enumerate((text, image)):
            mean = (taste.weights[:, None] * parts).sum(axis=0, keepdims=True).astype(np.float32)
            known = float(taste.weights[present(parts)].sum())
            if known and mean.any():
                blank = [np.zeros_like(text[:1]), np.zeros_like(image[:1])]
                blank[position] = normalise(mean)
                queries.append(join(*blank))
                weights.append(known * typical[position])
        vectors: FloatMatrix = np.concatenate([np.zeros((0, self._description.fused_dim), np.float32), *queries])
        shares = np.asarray(weights, dtype=np.float32)
        return UserQueries(vectors, shares / shares.sum() if queries else shares)

    def propose(self, request: ProposeRequest) -> Sequence[ProposedItem]:
        """Nothing: it learned no ids."""
        return ()

    def rank(self, request: RankRequest) -> Probabilities:
        scored = self._score(request)
        logits = self._config.bias + scored.text.totals() + scored.image.totals() + scored.popularity
        return sigmoid(logits)

    def explain(self, request: ExplainRequest) -> Sequence[Explanation]:
        """The signals text, image and popularity, which add up to the logit; what each liked item added to text and
        image, which adds up to those signals exactly.
        """
        scored, places = self._score(request.ranking), np.asarray(request.explain, np.int64)
        return [
            explanation(
                request.ranking.candidates.item_ids[place],
                self._config.bias,
                {
                    "text": float(text.sum()),
                    "image": float(image.sum()),
                    "popularity": float(scored.popularity[place]),
                },
                scored.taste.item_ids,
                {"text": text, "image": image},
            )
            for place, text, image in zip(places.tolist(), scored.text.of(places), scored.image.of(places), strict=True)
        ]

    def _score(self, request: RankRequest) -> _Scored:
        config = self._config
        taste = taste_of(request.history, config.recency_power)
        text, image = self._compared(request, taste, _same(request.candidates.item_ids, taste.item_ids))
        return _Scored(
            taste,
            self._weighted(text, config.typical_text_shift),
            self._weighted(image, config.typical_image_shift),
            self._popularity(request.candidates.event_counts, request.candidates.counted),
        )

    def _compared(self, request: RankRequest, taste: Taste, same: Flags) -> tuple[Weighed, Weighed]:
        """What text and pictures say; `same` (C, J) bool."""
        text_dim, vectors = self._config.text_dim, request.vectors
        candidates = split(vectors_at(vectors.values, request.candidates.rows, vectors.dim), text_dim)
        liked = split(vectors.values[taste.rows], text_dim)
        text, image = (
            evidence(ours, theirs, taste.weights, same, request.candidates.counted, self._config.kernel)
            for ours, theirs in zip(candidates, liked, strict=True)
        )
        return text, image

    def _weighted(self, found: Weighed, typical: float) -> Weighed:
        """The evidence times the weight of its modality."""
        imaginary = self._config.imaginary_likes
        shift = (found.liked * found.shift + imaginary * typical) / (found.liked + imaginary)
        return found.weighed(min(max(shift, 0.0), self._config.largest_weight))

    def _popularity(self, event_counts: Integers, counted: Flags) -> Floats:
        """(C,) float64: the logarithm of the events, in standard deviations above the mean, times its weight."""
        logarithms = np.log1p(event_counts.astype(np.float64))
        count = counted.sum() + self._config.kernel.imaginary
        above = logarithms - logarithms[counted].sum() / count
        # The imaginary candidates keep the deviation above zero.
        deviation = np.sqrt((np.square(above[counted]).sum() + self._config.kernel.imaginary) / count)
        contributions: Floats = self._config.popularity_weight * above / deviation
        return contributions


def _same(candidates: Sequence[str], liked: Sequence[str]) -> Flags:
    """(C, J) bool: which candidate is which liked item."""
    same: Flags = np.zeros((len(candidates), len(liked)), dtype=np.bool_)
    places = {item_id: place for place, item_id in enumerate(liked)}
    for row, item_id in enumerate(candidates):
        if item_id in places:
            same[row, places[item_id]] = True
    return same
