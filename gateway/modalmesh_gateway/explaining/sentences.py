"""Explanations in words, from the numbers that they explain. Knows no grpc and no protobuf."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from modalmesh.types import Explanation, RegionShare, SignalShare, WordShare
from modalmesh_gateway.index import ItemIndex

_SIGNALS = {
    "text": "what it says",
    "image": "how it looks",
    "popularity": "how many liked it",
    "collaborative": "what others with this taste chose",
    "attributes": "what kind it is",
    "time": "when it is from",
}
# A share below this decided nothing worth saying.
_LEAST_SHARE = 0.1
_NAMED_ITEMS = 2
_NAMED_WORDS = 3
_THIRDS = 3


def with_sentence(index: ItemIndex, explanation: Explanation) -> Explanation:
    """The explanation with its sentence, in which items are called by their titles."""
    return replace(explanation, sentence=sentence(explanation, lambda item_id: index.title(item_id) or item_id))


def sentence(explanation: Explanation, title_of: Callable[[str], str]) -> str:
    """Such as: Close to “Striped mug” and “Striped plate”, mostly by how it looks (71 %). Of its picture, the upper
    left counts most.
    """
    said = [_signals(explanation, title_of)]
    reasons = {each.signal for each in explanation.signals if each.contribution > 0 and each.share >= _LEAST_SHARE}
    if "text" in reasons:
        said += _words(explanation.words)
    if "image" in reasons:
        said += _regions(explanation.regions)
    return " ".join([*said, *_unmoved(explanation)])


def _signals(explanation: Explanation, title_of: Callable[[str], str]) -> str:
    speaking_for = [share for share in explanation.signals if share.contribution > 0 and share.share >= _LEAST_SHARE]
    speaking_for.sort(key=lambda share: -share.share)
    if not speaking_for:
        return "Nothing in the history speaks clearly for it."
    liked = [share for share in explanation.history if share.contribution > 0][:_NAMED_ITEMS]
    if not liked or speaking_for[0].signal == "popularity":
        return _by(speaking_for, "Suggested")
    names = " and ".join(f"“{title_of(share.item_id)}”" for share in liked)
    return _by(speaking_for, f"Close to {names},")


def _by(shares: Sequence[SignalShare], beginning: str) -> str:
    first = shares[0]
    reason = f"{_SIGNALS.get(first.signal, first.signal)} ({round(100 * first.share)} %)"
    if len(shares) == 1:
        return f"{beginning} by {reason}."
    second = shares[1]
    also = f"{_SIGNALS.get(second.signal, second.signal)} ({round(100 * second.share)} %)"
    return f"{beginning} mostly by {reason}, then by {also}."


def _words(words: Sequence[WordShare]) -> list[str]:
    """The words that speak most for it, each once however it is written."""
    speaking_for = sorted((word for word in words if word.contribution > 0), key=lambda word: -word.share)
    named = list({word.text.casefold(): f"“{word.text}”" for word in reversed(speaking_for)}.values())[::-1]
    if not named:
        return []
    *others, last = named[:_NAMED_WORDS]
    if not others:
        return [f"Of its words, {last} counts most."]
    return [f"Of its words, {', '.join(others)} and {last} count most."]


def _regions(regions: Sequence[RegionShare]) -> list[str]:
    """Where in the picture lies what speaks most for it."""
    speaking_for = [region for region in regions if region.contribution > 0]
    if not speaking_for:
        return []
    most = max(speaking_for, key=lambda region: region.share)
    return [f"Of its picture, {_where(most)} counts most."]


def _unmoved(explanation: Explanation) -> list[str]:
    """Where the ranker's model doesn't look at what its text and picture are now, no part of them is a reason."""
    asked: Mapping[str, Sequence[WordShare | RegionShare]] = {
        "words": explanation.words,
        "regions": explanation.regions,
    }
    unmoved = [name for name, parts in asked.items() if parts and not any(part.contribution for part in parts)]
    if not unmoved:
        return []
    said = f"None of its {' or '.join(unmoved)} moves the score"
    # Without a history that counts, nothing moves it by what the user likes, whatever the model knows the item by.
    by_id = any(share.contribution for share in explanation.history)
    return [f"{said}: the model knows the item by its id." if by_id else f"{said}."]


def _where(region: RegionShare) -> str:
    column = ("left", "middle", "right")[_third(region.left, region.right)]
    row = ("upper", "", "lower")[_third(region.top, region.bottom)]
    if not row and column == "middle":
        return "the centre"
    return f"the {row} {column}" if row else f"the {column}"


def _third(start: float, end: float) -> int:
    return min(_THIRDS - 1, int(_THIRDS * (start + end) / 2))
