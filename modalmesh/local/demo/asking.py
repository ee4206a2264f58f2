"""Asks a filled mesh for what a report shows."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import mean, median

from modalmesh.client import Client
from modalmesh.local.demo.catalogues import DemoCatalogue, spread_users
from modalmesh.positive import PositiveRule
from modalmesh.types import RankedItem, RankedItems, SignalShare

ASKED_USERS = 60
ASKED_ITEMS = 10
SHOWN_USERS = 6
SHOWN_LIKENESSES = 3
LIKE_ITEMS = 6
# The gateway's own rule, with its default.
is_liking = PositiveRule()
_LEAST_LIKED = 5
"""A user who liked fewer items than this has no taste that could be seen."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A user, what they liked in the order of time, and what the mesh would show them next."""

    user_id: str
    liked: Sequence[str]
    answer: RankedItems
    milliseconds: float

    @property
    def counted(self) -> list[SignalShare]:
        """How much each signal moved the scores of all items together."""
        every = [signal for item in self.answer.items if item.explanation for signal in item.explanation.signals]
        total = sum(abs(signal.contribution) for signal in every)
        names = dict.fromkeys(signal.signal for signal in every)
        return [_together(name, [each for each in every if each.signal == name], total) for name in names]

    @property
    def items(self) -> set[str]:
        """All items of the history and of the answer."""
        return {*self.liked, *(ranked.item_id for ranked in self.answer.items)}

    def share(self, signal: str) -> float:
        """How much of all that moved the scores was this signal's doing."""
        return sum(each.share for each in self.counted if each.signal == signal)


@dataclass(frozen=True, slots=True)
class AskedLikeness:
    """An item's neighbours by each modality."""

    item_id: str
    by_text: Sequence[RankedItem]
    by_image: Sequence[RankedItem]


@dataclass(slots=True)
class Answers:
    """All that was asked, and who of it is shown."""

    users: list[Asked] = field(default_factory=list)
    shown: list[Asked] = field(default_factory=list)
    likenesses: list[AskedLikeness] = field(default_factory=list)

    @property
    def median_milliseconds(self) -> float:
        return median(asked.milliseconds for asked in self.users) if self.users else 0.0

    @property
    def degraded(self) -> int:
        return sum(asked.answer.served.degraded for asked in self.users)


def ask(client: Client, catalogue: DemoCatalogue, tell: Callable[[str, int, int], None]) -> Answers:
    """Recommendations with reasons for users of the catalogue, and items like each other.

    Raises:
        ModalmeshError: the mesh doesn't answer.
    """
    answers = Answers()
    users = spread_users(catalogue, ASKED_USERS)
    for number, user_id in enumerate(users, start=1):
        answers.users.append(_ask_for(client, catalogue, user_id))
        tell("users asked for", number, len(users))
    answers.shown = choose(answers.users)
    for item_id in _items_to_compare(client, answers.shown or answers.users):
        by_text, by_image = (client.similar_items(item_id, LIKE_ITEMS, by).items for by in ("text", "image"))
        answers.likenesses.append(AskedLikeness(item_id, by_text, by_image))
    return answers


def choose(users: Sequence[Asked], count: int = SHOWN_USERS) -> list[Asked]:
    """By turns who goes most by pictures, most by texts, and most by both; nobody twice, and no two much the same."""
    left = [asked for asked in users if asked.counted and len(asked.liked) >= _LEAST_LIKED]
    orders: list[Callable[[Asked], float]] = [
        lambda asked: asked.share("image") - asked.share("text"),
        lambda asked: asked.share("text") - asked.share("image"),
        lambda asked: min(asked.share("image"), asked.share("text")),
    ]
    chosen: list[Asked] = []
    while left and len(chosen) < count:
        order = orders[len(chosen) % len(orders)]
        best = max(left, key=lambda asked: order(asked) - _sameness(asked, chosen))
        chosen.append(best)
        left.remove(best)
    return chosen


def _sameness(asked: Asked, others: Sequence[Asked]) -> float:
    """The share of this user's items that another one has, too: liked or recommended."""
    mine = asked.items
    return max((len(mine & other.items) / len(mine) for other in others), default=0.0)


def _ask_for(client: Client, catalogue: DemoCatalogue, user_id: str) -> Asked:
    started = time.monotonic()
    answer = client.recommend(user_id, ASKED_ITEMS, explain=True)
    elapsed = time.monotonic() - started
    events = sorted(catalogue.events[user_id], key=lambda event: event.time_ms)
    liked = [event.item_id for event in events if is_liking(event)]
    return Asked(user_id, list(dict.fromkeys(liked)), answer, elapsed * 1000)


def _items_to_compare(client: Client, users: Sequence[Asked]) -> list[str]:
    """Items with a text and a picture that were recommended to different users."""
    found: list[str] = []
    for asked in users:
        for ranked in asked.answer.items:
            if len(found) == SHOWN_LIKENESSES:
                return found
            item = client.get_item(ranked.item_id)
            if item.text_fields() and item.pictures and item.item_id not in found:
                found.append(item.item_id)
                break
    return found


def _together(name: str, signals: Sequence[SignalShare], total: float) -> SignalShare:
    moved = sum(abs(signal.contribution) for signal in signals)
    return SignalShare(name, mean(signal.contribution for signal in signals), moved / total if total else 0.0)
