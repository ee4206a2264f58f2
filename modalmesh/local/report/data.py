"""What a report shows. Plain data: whoever has it can have a page, with a mesh or without."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from modalmesh.types import SignalShare


@dataclass(frozen=True, slots=True)
class Card:
    """One item to be shown. `picture` is a picture file's bytes as the folder has them; empty where there is none."""

    item_id: str
    title: str = ""
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
