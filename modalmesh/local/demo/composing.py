"""Answers, the folder's pictures and the run's figures -> ReportData."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from modalmesh.ingest import IngestSummary
from modalmesh.local.demo.asking import Answers, Asked, AskedLikeness
from modalmesh.local.demo.catalogues import DemoCatalogue, Secrets
from modalmesh.local.report import Card, Figure, Leaning, Likeness, Lived, Person, Recommended, ReportData, Taste
from modalmesh.local.shop.customers import TasteKind
from modalmesh.types import Item, RankedItem, Status

_SHOWN_HISTORY = 12
_SHOWN_ITEMS = 8
_DECISIVE_ITEMS = 3
_LEAST_DECISIVE = 0.02
_SHOWN_COMPLAINTS = 50
_SHOWN_WORDS = 130
_KINDS: dict[TasteKind, tuple[str, Leaning]] = {
    "picture": ("Taste only in pictures", "image"),
    "text": ("Taste only in texts", "text"),
    "both": ("Taste in both", "both"),
}


@dataclass(frozen=True, slots=True)
class Run:
    """What happened: how the mesh started and was filled, what it answered, and how it is."""

    catalogue: DemoCatalogue
    start_seconds: float | None
    summary: IngestSummary
    answers: Answers
    status: Status


def compose(run: Run) -> ReportData:
    """Everything for the page."""
    cards = _cards(run)
    return ReportData(
        source=run.catalogue.name,
        is_shop=run.catalogue.secrets is not None,
        items=run.summary.items,
        users=len(run.catalogue.users),
        events=run.summary.events,
        people=[_person(asked, run.catalogue, cards) for asked in run.answers.shown],
        likenesses=[_likeness(each, cards) for each in run.answers.likenesses],
        tastes=_tastes(run.answers.users, run.catalogue.secrets) if run.catalogue.secrets else (),
        timings=_timings(run),
        cache=_cache(run.summary, run.status),
        missing=_missing(run),
        models=_models(run.status),
        complaints=[_complaint(run.summary, place) for place in range(len(run.summary.refused[:_SHOWN_COMPLAINTS]))],
        complaint_count=run.summary.refused_count,
    )


def _cards(run: Run) -> dict[str, Card]:
    """A card of every item that is shown; their pictures are read from the folder once more."""
    wanted: dict[str, Card] = {}
    for asked in run.answers.shown:
        wanted |= {item_id: Card(item_id) for item_id in asked.liked}
        wanted |= {ranked.item_id: Card(ranked.item_id, ranked.title) for ranked in asked.answer.items}
    for likeness in run.answers.likenesses:
        ranked_items = [*likeness.by_text, *likeness.by_image]
        wanted |= {likeness.item_id: Card(likeness.item_id)}
        wanted |= {ranked.item_id: Card(ranked.item_id, ranked.title) for ranked in ranked_items}
    for entry in run.catalogue.folder.items():
        if isinstance(entry, Item) and entry.item_id in wanted:
            wanted[entry.item_id] = _card(entry)
    return wanted


def _card(item: Item) -> Card:
    return Card(
        item_id=item.item_id,
        title=item.title,
        words=beginning(" ".join(item.description.split()) or ", ".join(item.tags)),
        picture=item.pictures[0].content if item.pictures else b"",
        has_clip=bool(item.videos),
    )


def beginning(text: str, length: int = _SHOWN_WORDS) -> str:
    """The first sentences of a text that fit, or else the first words."""
    if len(text) <= length:
        return text
    if sentences := re.match(rf".{{{length // 3},{length - 1}}}[.!?](?= )", text):
        return sentences.group()
    return text[:length].rsplit(" ", 1)[0].rstrip(",;:.-– ") + "…"


def _person(asked: Asked, catalogue: DemoCatalogue, cards: Mapping[str, Card]) -> Person:
    shown = asked.answer.items[:_SHOWN_ITEMS]
    values = {event.item_id: event.value for event in catalogue.events[asked.user_id]}
    secrets = catalogue.secrets
    return Person(
        user_id=asked.user_id,
        history=[Lived(cards[item_id], values[item_id]) for item_id in asked.liked[-_SHOWN_HISTORY:][::-1]],
        liked=len(asked.liked),
        events=len(values),
        recommended=[_recommended(ranked, cards) for ranked in shown],
        counted=asked.counted,
        note=secrets.note(asked.user_id) if secrets else "",
        to_taste=sum(secrets.likes(asked.user_id, each.item_id) for each in shown) if secrets else None,
        lacked=[f"{lack.part} ({lack.reason.lower().replace('_', ' ')})" for lack in asked.answer.served.lacked],
    )


def _recommended(ranked: RankedItem, cards: Mapping[str, Card]) -> Recommended:
    reasons = ranked.explanation
    if reasons is None:
        return Recommended(cards[ranked.item_id], ranked.score)
    decisive = [share.item_id for share in reasons.history if share.contribution > 0 and share.share >= _LEAST_DECISIVE]
    return Recommended(
        card=cards[ranked.item_id],
        score=ranked.score,
        sentence=reasons.sentence,
        signals=reasons.signals,
        decisive=[cards[item_id] for item_id in decisive[:_DECISIVE_ITEMS] if item_id in cards],
    )


def _likeness(asked: AskedLikeness, cards: Mapping[str, Card]) -> Likeness:
    by_text, by_picture = ([cards[each.item_id] for each in items] for items in (asked.by_text, asked.by_image))
    return Likeness(cards[asked.item_id], by_text, by_picture)


def _tastes(users: Sequence[Asked], secrets: Secrets) -> list[Taste]:
    """How often each kind of taste was met over everyone who was asked for."""
    answered = [asked for asked in users if asked.answer.items]
    kinds = {kind: [asked for asked in answered if secrets.kind(asked.user_id) == kind] for kind in _KINDS}
    return [_taste(kind, asked, secrets) for kind, asked in kinds.items() if asked]


def _taste(kind: TasteKind, users: Sequence[Asked], secrets: Secrets) -> Taste:
    name, leaning = _KINDS[kind]
    met = mean(mean(secrets.likes(asked.user_id, each.item_id) for each in asked.answer.items) for asked in users)
    return Taste(name, leaning, len(users), met, mean(secrets.chance(asked.user_id) for asked in users))


def _timings(run: Run) -> list[Figure]:
    summary, asked = run.summary, len(run.answers.users)
    start = "was running" if run.start_seconds is None else f"{run.start_seconds:.1f} s"
    figures = [
        Figure("Start of the mesh", start, "four services and their store"),
        Figure("Ingest", f"{summary.seconds:.1f} s", f"{summary.items:,} items, {summary.events:,} events"),
        Figure("Items a second", f"{summary.items / max(summary.seconds, 1e-3):,.0f}"),
    ]
    if asked:
        median = f"{run.answers.median_milliseconds:.0f} ms"
        figures.append(Figure("Recommend", median, f"with reasons, median of {asked} calls"))
    return figures


def _cache(summary: IngestSummary, status: Status) -> list[Figure]:
    return [
        Figure("Texts encoded", f"{summary.encoded_texts:,}", "now; the rest was known"),
        Figure("Pictures encoded", f"{summary.encoded_images:,}", "frames of clips among them"),
        Figure("Found in the cache", f"{summary.cache_hits:,}", "by content, whoever sent it first"),
        Figure("Unchanged items", f"{summary.unchanged:,}"),
        Figure("Store", f"{status.store.used_memory_bytes / 2**20:,.0f} MiB", status.store.durability),
    ]


def _missing(run: Run) -> list[Figure]:
    figures = []
    for space in run.status.namespaces:
        if space.namespace == run.catalogue.namespace:
            figures += [
                Figure("Items without a text", f"{space.items - space.with_text:,}"),
                Figure("Items without a picture", f"{space.items - space.with_image:,}"),
                Figure("Pending", f"{space.pending:,}", "taken in, to be encoded later"),
            ]
    asked = len(run.answers.users)
    return [
        *figures,
        Figure("Refused", f"{run.summary.failed:,}", "items and events that did not go in"),
        Figure("Degraded answers", f"{run.answers.degraded:,}", f"of {asked}"),
    ]


def _models(status: Status) -> list[Figure]:
    served = [(service.name, service.model) for service in status.services if service.model]
    return [
        Figure(name.replace("-", " ").capitalize(), f"{model.dim:,}-d", f"{model.name}, {model.build}".strip(", "))
        for name, model in served
    ]


def _complaint(summary: IngestSummary, place: int) -> str:
    bad = summary.refused[place]
    return f"{bad.file}, line {bad.line}, {bad.field}: {bad.message}"
