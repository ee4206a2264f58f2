"""Whether what Explain names moves the score when it is really taken away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from benchmarks.explain.attention import Attention
from benchmarks.explain.curves import Areas, Fall, Falls, Order, Trial, areas, decisive_first, trial
from benchmarks.explain.removing import Canvas, without_words
from benchmarks.explain.scoring import Case, Scorer, tokens
from modalmesh.embeddings import Embeddings, FloatMatrix, ModelId
from modalmesh.errors import InternalError
from modalmesh.types import Explanation
from modalmesh_gateway.ports import Encoded, Encoder, FuseInput, Visual
from modalmesh_services.common.deadline import Deadline

Input = TypeVar("Input", str, Visual)

# A modality below this share of an explanation is no reason for the score, and nothing of it is named as one.
_LEAST_SHARE = 0.1
_SECONDS = 60.0


@dataclass(slots=True)
class Outcomes:
    """Of one kind of part: `areas` by the name of the order that parts were taken in."""

    trials: list[Trial] = field(default_factory=list)
    areas: dict[str, list[Areas]] = field(default_factory=dict)


class Judge:
    """Takes away history items, words and regions. `attention` gives an order of words to compare with."""

    def __init__(
        self,
        scorer: Scorer,
        text: Encoder[str],
        image: Encoder[Visual],
        attention: Attention | None,
        chance: np.random.Generator,
    ) -> None:
        self._scorer = scorer
        self._text = text
        self._image = image
        self._attention = attention
        self._chance = chance
        self.history = Outcomes()
        self.words = Outcomes()
        self.regions = Outcomes()

    async def judge(self, case: Case, explanation: Explanation, picture: bytes, *, curves: bool) -> None:
        """Take away what `explanation` names; `curves` too. `picture` is the item's first, of which regions are."""
        shares = explanation.history

        async def fall(sets: Sequence[Sequence[int]]) -> Falls:
            gone = [{shares[place].item_id for place in each} for each in sets]
            return await self._scorer.falls_without_events(case, gone)

        await self._try(self.history, [share.contribution for share in shares], {}, fall, curves=curves)
        if _is_reason(explanation, "text"):
            await self._judge_words(case, explanation, curves=curves)
        if _is_reason(explanation, "image") and picture:
            await self._judge_regions(case, explanation, Canvas(picture), curves=curves)

    async def _judge_words(self, case: Case, explanation: Explanation, *, curves: bool) -> None:
        words, own = explanation.words, self._scorer.item(case.item_id)
        texts = own.item.text_fields()

        async def fall(sets: Sequence[Sequence[int]]) -> Falls:
            left = [without_words(texts, [words[place] for place in each]) for each in sets]
            said = list(dict.fromkeys(text for each in left for text in each.values()))
            vectors = dict(zip(said, await self._encoded(self._text, said), strict=True))
            return await self._scorer.falls(case, [_with_texts(own, each, vectors) for each in left])

        orders: dict[str, Order] = {}
        if curves and self._attention:
            orders["attention"] = decisive_first(self._attention.of_words(texts, words))
        await self._try(self.words, [word.contribution for word in words], orders, fall, curves=curves)

    async def _judge_regions(self, case: Case, explanation: Explanation, canvas: Canvas, *, curves: bool) -> None:
        regions, own = explanation.regions, self._scorer.item(case.item_id)

        async def fall(sets: Sequence[Sequence[int]]) -> Falls:
            painted = [Visual(canvas.without([regions[place] for place in each])) for each in sets]
            vectors = await self._encoded(self._image, painted)
            return await self._scorer.falls(case, [_with_picture(own, each) for each in vectors])

        await self._try(self.regions, [region.contribution for region in regions], {}, fall, curves=curves)

    async def _try(
        self,
        outcomes: Outcomes,
        contributions: Sequence[float],
        orders: Mapping[str, Order],
        fall: Fall,
        *,
        curves: bool,
    ) -> None:
        found = await trial(contributions, fall, self._chance)
        if found is None:
            return
        outcomes.trials.append(found)
        if not curves:
            return
        random = self._chance.permutation(len(contributions))
        compared = {"explain": decisive_first(contributions), "random": random, **orders}
        for name, each in zip(compared, await areas(list(compared.values()), fall), strict=True):
            outcomes.areas.setdefault(name, []).append(each)

    async def _encoded(self, encoder: Encoder[Input], inputs: Sequence[Input]) -> list[FloatMatrix]:
        """Of each input, (1, D)."""
        if not inputs:
            return []
        batch = await encoder.encode(inputs, Deadline.after(_SECONDS))
        return [_values(result) for result in batch.results]


def _is_reason(explanation: Explanation, name: str) -> bool:
    """Whether a modality speaks for the item; so does, as far as we know, that of a model without such a signal."""
    signal = next((each for each in explanation.signals if each.signal == name), None)
    return signal is None or (signal.contribution > 0 and signal.share >= _LEAST_SHARE)


def _with_texts(own: FuseInput, texts: Mapping[str, str], vectors: Mapping[str, FloatMatrix]) -> FuseInput:
    model = own.text.embeddings.model if own.text else ModelId()
    rows = [vectors[text] for text in texts.values()]
    return replace(own, text=tokens(Embeddings(np.concatenate(rows), model), list(texts)) if rows else None)


def _with_picture(own: FuseInput, vector: FloatMatrix) -> FuseInput:
    """With another vector of the first picture."""
    if own.image is None:
        return own
    values = own.image.embeddings.values.copy()
    values[0] = vector[0]
    return replace(own, image=replace(own.image, embeddings=Embeddings(values, own.image.embeddings.model)))


def _values(encoded: Encoded) -> FloatMatrix:
    if encoded.values is None:
        raise InternalError(f"what is left can't be encoded: {encoded.reason}")
    return encoded.values
