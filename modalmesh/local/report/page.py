"""ReportData -> HTML. The template lies beside this file; everything in it is escaped."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from modalmesh.local.report.data import Card, Likeness, Person, ReportData
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


def render(data: ReportData) -> str:
    """One self-contained page: no script, and nothing is fetched."""
    thumbnails = Thumbnails()
    environment = Environment(
        loader=PackageLoader("modalmesh.local.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "thumbnail": thumbnails.uri,
        "percent": _percent,
        "signal": lambda name: SIGNALS.get(name, name),
        "hue": lambda name: name if name in SIGNALS else "other",
        "shown": _shown,
    }
    ratio = usual_ratio([card.picture for card in _cards(data) if card.picture])
    return environment.get_template("report.html.jinja").render(data=data, ratio=round(ratio, 4))


def write_report(data: ReportData, path: Path) -> None:
    """Write the page; whoever reads the file sees the old page or the new one, never half of one.

    Raises:
        OSError: it can't be written there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    page = render(data)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        file.write(page)
    # A temporary file is private; a report is to be shown.
    Path(file.name).chmod(0o644)
    os.replace(file.name, path)


def _percent(share: float) -> str:
    return f"{round(100 * share)} %"


def _shown(signals: Sequence[SignalShare]) -> list[SignalShare]:
    """The signals that can be seen in a bar, in an order that is the same on the whole page."""
    order = list(SIGNALS)
    visible = [signal for signal in signals if signal.share >= _LEAST_VISIBLE_SHARE]
    return sorted(visible, key=lambda each: order.index(each.signal) if each.signal in order else len(order))


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
