"""What a mesh would have answered."""

from collections.abc import Sequence

from modalmesh.local.demo.asking import Asked
from modalmesh.types import Explanation, HistoryShare, Lack, RankedItem, RankedItems, Served, SignalShare


def asked(
    user_id: str, liked: Sequence[str] = tuple("abcde"), items: Sequence[str] = ("x", "y"), **signals: float
) -> Asked:
    """A user whose recommended items all have the same signals."""
    answer = RankedItems([ranked(item_id, (), **signals) for item_id in items], Served("rank"))
    return Asked(user_id, liked, answer, 20.0)


def ranked(item_id: str, history: Sequence[HistoryShare] = (), **signals: float) -> RankedItem:
    total = sum(abs(value) for value in signals.values())
    shares = [SignalShare(name, value, abs(value) / total) for name, value in signals.items()]
    return RankedItem(item_id, 0.9, f"The {item_id}", Explanation(item_id, 0.9, 0.0, shares, history, "Close to it."))


def degraded(items: RankedItems) -> RankedItems:
    return RankedItems(items.items, Served("retrieval", (Lack("fusion-ranker", "SERVICE_UNAVAILABLE"),)))
