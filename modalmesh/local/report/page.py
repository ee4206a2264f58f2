"""ReportData -> HTML. The template lies beside this file; everything in it is escaped."""

import errno
from collections.abc import Iterator, Sequence
from pathlib import Path

from modalmesh.local.pages import draft, templates, write_page
from modalmesh.local.report.data import Card, Leaning, Likeness, Person, ReportData
from modalmesh.local.report.thumbnails import Thumbnails, usual_ratio
from modalmesh.types import SignalShare

SIGNALS = {
    "text": "text",
    "image": "picture",
    "popularity": "popularity",
    "collaborative": "others",
}
"""What the page calls a signal; another one keeps its own name."""

_LEAST_VISIBLE_SHARE = 0.005
_LEANINGS: tuple[Leaning, ...] = ("image", "text", "both")


def render(data: ReportData) -> str:
    """One self-contained page: no script, and nothing is fetched."""
    thumbnails = Thumbnails()
    environment = templates("modalmesh.local.report")
    environment.filters |= {
        "thumbnail": thumbnails.uri,
        "percent": _percent,
        "signal": lambda name: SIGNALS.get(name, name),
        "hue": lambda name: name if name in SIGNALS else "other",
        "shown": _shown,
        "spoken": _spoken,
        "who": _who,
        "glance": _glance,
    }
    ratio = usual_ratio([card.picture for card in _cards(data) if card.picture])
    return environment.get_template("report.html.jinja").render(data=data, ratio=round(ratio, 4))


def write_report(data: ReportData, path: Path) -> None:
    """Write the page; whoever reads the file sees the old page or the new one, never half of one.

    Raises:
        OSError: it can't be written there.
    """
    write_page(render(data), path)


def check_writable(path: Path) -> None:
    """Find out before the work whether a report can be written there; nothing is left but the folder.

    Raises:
        OSError: it can't.
    """
    if path.exists() and not path.is_file():
        # A device or a pipe would be replaced by a file, which nobody means.
        raise OSError(errno.EINVAL, "is not a regular file", str(path))
    with draft(path, delete=True):
        pass


def _percent(share: float) -> str:
    return f"{round(100 * share)} %"


def _shown(signals: Sequence[SignalShare]) -> list[SignalShare]:
    """The signals that can be seen in a bar, in an order that is the same on the whole page."""
    order = list(SIGNALS)
    visible = [signal for signal in signals if signal.share >= _LEAST_VISIBLE_SHARE]
    return sorted(visible, key=lambda each: order.index(each.signal) if each.signal in order else len(order))


def _spoken(signals: Sequence[SignalShare]) -> str:
    """Such as: text 70 %, popularity −10 %."""
    shares = ((each, "−" if each.contribution < 0 else "") for each in _shown(signals))
    return ", ".join(f"{SIGNALS.get(each.signal, each.signal)} {sign}{_percent(each.share)}" for each, sign in shares)


def _who(user_id: str) -> str:
    """Somebody's id as one would write it of somebody."""
    if user_id.isdigit():
        return f"User {user_id}"
    return user_id.capitalize() if user_id.isalpha() and user_id.islower() else user_id


def _glance(data: ReportData) -> list[tuple[int, Person]]:
    """The first who goes by pictures, by texts, and by both, with their numbers; nobody where all go by the same."""
    first: dict[str, tuple[int, Person]] = {}
    for number, person in enumerate(data.people, start=1):
        if person.leaning and person.recommended:
            first.setdefault(person.leaning, (number, person))
    return [first[leaning] for leaning in _LEANINGS if leaning in first] if len(first) > 1 else []


def _cards(data: ReportData) -> Iterator[Card]:
    for person in data.people:
        yield from _cards_of_person(person)
    for likeness in data.likenesses:
        yield from _cards_of_likeness(likeness)


def _cards_of_person(person: Person) -> Iterator[Card]:
    yield from (lived.card for lived in person.history)
    yield from (recommended.card for recommended in person.recommended)


def _cards_of_likeness(likeness: Likeness) -> Iterator[Card]:
    yield likeness.card
    yield from likeness.by_text
    yield from likeness.by_picture
