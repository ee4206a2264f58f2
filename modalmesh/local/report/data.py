"""What a report shows. Plain data: whoever has it can have a page, with a mesh or without."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from modalmesh.types import SignalShare

Leaning = Literal["image", "text", "both"]
_ONE_SIDED = 0.75
"""From this share on, of what text and picture count together, a user goes by one of them alone."""
_LEAST_READ = 0.2
"""From this share on, what an item says is shown as a reason for it."""


@dataclass(frozen=True, slots=True)
class Card:
    """One item to be shown.

    `words` are the beginning of what its text says, beside the title; `picture` is a picture file's bytes as the
    folder has them. Either is empty where there is none.
    """

    item_id: str
    title: str = ""
    words: str = ""
    picture: bytes = field(default=b"", repr=False)
    has_clip: bool = False


@dataclass(frozen=True, slots=True)
class Lived:
    """One item of a history that was liked. `value` is the rating, where there was one."""

    card: Card
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Recommended:
    """One recommendation and its reasons; without signals nothing was explained."""

    card: Card
    score: float
    sentence: str = ""
    signals: Sequence[SignalShare] = ()
    decisive: Sequence[Card] = ()

    @property
    def was_read(self) -> bool:
        """Whether what the item says spoke for it."""
        return any(
            each.signal == "text" and each.contribution > 0 and each.share >= _LEAST_READ for each in self.signals
        )


@dataclass(frozen=True, slots=True)
class Person:
    """A user: what they liked (the latest of `liked` items), what they get, and how much each signal counted.

    `note` says what is known of the user's taste; `to_taste` of `recommended` agree with it, where it is known.
    `lacked` are the parts that the answer lacked, each in words.
    """

    user_id: str
    history: Sequence[Lived]
    liked: int
    events: int
    recommended: Sequence[Recommended]
    counted: Sequence[SignalShare] = ()
    note: str = ""
    to_taste: int | None = None
    lacked: Sequence[str] = ()

    @property
    def leaning(self) -> Leaning | None:
        """What of an item the user goes by; none where neither text nor picture counted."""
        shares = {each.signal: each.share for each in self.counted}
        text, image = shares.get("text", 0.0), shares.get("image", 0.0)
        if not text + image:
            return None
        if max(text, image) < _ONE_SIDED * (text + image):
            return "both"
        return "image" if image > text else "text"


@dataclass(frozen=True, slots=True)
class Likeness:
    """An item and those like it, by what they say and by what they show."""

    card: Card
    by_text: Sequence[Card]
    by_picture: Sequence[Card]


@dataclass(frozen=True, slots=True)
class Taste:
    """How often recommendations met a hidden taste: of `users` of one kind, and by chance; shares in 0..1."""

    kind: str
    leaning: Leaning
    users: int
    met: float
    by_chance: float


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its name, such as 42.0 s ingest; `detail` says what it is of."""

    name: str
    value: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything on the page. `complaints` are the first of `complaint_count`, each a sentence with file and line."""

    source: str
    is_shop: bool
    items: int
    users: int
    events: int
    people: Sequence[Person]
    likenesses: Sequence[Likeness] = ()
    tastes: Sequence[Taste] = ()
    timings: Sequence[Figure] = ()
    cache: Sequence[Figure] = ()
    missing: Sequence[Figure] = ()
    models: Sequence[Figure] = ()
    complaints: Sequence[str] = ()
    complaint_count: int = 0
