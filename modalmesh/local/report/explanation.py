"""An Explanation -> HTML: its shares as bars, its words marked in their texts, its regions in their pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modalmesh.local.pages import templates
from modalmesh.local.report.page import SIGNALS
from modalmesh.local.report.thumbnails import Thumbnails
from modalmesh.types import Explanation, RegionShare, WordShare

# Of the strongest word or region of its kind: what counts less is left plain.
_LEAST_STRENGTH = 0.05


@dataclass(frozen=True, slots=True)
class ExplainedItem:
    """An explanation with what it speaks of: the item's text fields, its pictures' bytes by their number, and titles of
    items of the history, as far as they are known.
    """

    user_id: str
    explanation: Explanation
    texts: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[int, bytes] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of a text: what is marked has a strength in -1..1, of the word that counts most; 0 is plain."""

    text: str
    strength: float = 0.0


def render_explanation(item: ExplainedItem) -> str:
    """One self-contained page: no script, and nothing is fetched."""
    environment = templates("modalmesh.local.report")
    environment.filters |= {
        "thumbnail": Thumbnails().uri,
        "percent": lambda share: f"{round(100 * share)} %",
        "signal": lambda name: SIGNALS.get(name, name),
        "hue": lambda name: name if name in SIGNALS else "other",
    }
    explanation = item.explanation
    strongest = _strongest(explanation.regions)
    return environment.get_template("explanation.html.jinja").render(
        item=item,
        explanation=explanation,
        fields={name: runs(text, name, explanation.words) for name, text in item.texts.items()},
        boxes={
            number: [(each, _strength(each, strongest)) for each in explanation.regions if each.picture == number]
            for number in item.pictures
        },
    )


def runs(text: str, name: str, words: Sequence[WordShare]) -> list[Run]:
    """A text field in runs of marked and plain characters, which are the text when put together."""
    strongest = _strongest(words)
    parts: list[Run] = []
    place = 0
    for word in sorted((each for each in words if each.field == name), key=lambda each: each.start):
        if word.start < place or word.end > len(text):
            # The text isn't the one that was explained.
            continue
        parts += [Run(text[place : word.start]), Run(text[word.start : word.end], _strength(word, strongest))]
        place = word.end
    return [part for part in [*parts, Run(text[place:])] if part.text]


def _strongest(shares: Sequence[WordShare] | Sequence[RegionShare]) -> float:
    return max((abs(each.contribution) for each in shares), default=0.0)


def _strength(share: WordShare | RegionShare, strongest: float) -> float:
    strength = share.contribution / strongest if strongest else 0.0
    return round(strength, 3) if abs(strength) >= _LEAST_STRENGTH else 0.0
