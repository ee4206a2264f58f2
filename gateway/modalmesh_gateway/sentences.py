"""Explanations in words, from the numbers that they explain. Knows no grpc and no protobuf."""

from collections.abc import Callable, Sequence

from modalmesh.types import Explanation, SignalShare

_SIGNALS = {
    "text": "what it says",
    "image": "how it looks",
    "popularity": "how many liked it",
    "collaborative": "what others with this taste chose",
}
# A share below this decided nothing worth saying.
_LEAST_SHARE = 0.1
_NAMED_ITEMS = 2


def sentence(explanation: Explanation, title_of: Callable[[str], str]) -> str:
    """Such as: Close to “Striped mug” and “Striped plate”, mostly by how it looks (71 %)."""
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
