"""Answers, a folder's pictures and a run's figures become a report."""

from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image

from modalmesh.data_folder import BadLine
from modalmesh.ingest import IngestSummary
from modalmesh.local.demo.asking import Answers, Asked, AskedLikeness
from modalmesh.local.demo.catalogues import DemoCatalogue, ShopSize, built_in
from modalmesh.local.demo.composing import Run, beginning, compose
from modalmesh.local.report import Person
from modalmesh.types import (
    CacheStatus,
    HistoryShare,
    NamespaceStatus,
    RankedItems,
    Served,
    Status,
    StoreStatus,
)
from tests.unit.demo.answers import degraded, ranked

STATUS = Status(
    "0.1.0",
    (),
    StoreStatus(True, "Valkey", "fsync-always", True, 3 * 2**20),
    (NamespaceStatus("other", 9, 9, 9, 9, 9, 0), NamespaceStatus("shop", 60, 58, 55, 2, 100, 0)),
    CacheStatus(),
)
SUMMARY = IngestSummary(items=60, events=100, encoded_texts=170, encoded_images=57, cache_hits=3, seconds=2.0)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> DemoCatalogue:
    return built_in(tmp_path_factory.mktemp("home"), ShopSize(items=60, users=10), lambda number, total: None)


@pytest.fixture
def looker(shop: DemoCatalogue) -> Asked:
    """A customer who chooses by eye gets one item to their taste, and one that isn't."""
    assert shop.secrets
    user = next(name for name, person in shop.secrets.customers.items() if person.kind == "picture")
    liked = [item_id for item_id in shop.secrets.products if shop.secrets.likes(user, item_id)]
    other = next(item_id for item_id in shop.secrets.products if item_id not in liked)
    reasons = [HistoryShare(liked[1], 1.0, 0.6), HistoryShare(liked[2], -1.0, 0.3), HistoryShare(liked[1], 0.01, 0.01)]
    items = [ranked(liked[0], reasons, image=9, popularity=1), ranked(other, image=1)]
    bought = [event.item_id for event in shop.events[user]]
    return Asked(user, bought, RankedItems(items, Served("rank")), 20.0)


def run_of(shop: DemoCatalogue, asked: Asked, summary: IngestSummary = SUMMARY) -> Run:
    return Run(shop, 5.0, summary, Answers([asked], [asked]), STATUS)


def person_of(run: Run) -> Person:
    return compose(run).people[0]


def test_a_card_has_the_items_title_words_and_picture(shop: DemoCatalogue, looker: Asked) -> None:
    card = person_of(run_of(shop, looker)).recommended[0].card
    assert shop.secrets
    product = shop.secrets.products[card.item_id]
    assert (card.title, card.has_clip) == (product.title, product.has_clip)
    assert product.description.startswith(card.words.rstrip("…"))
    assert Image.open(BytesIO(card.picture)).format == "WEBP"


def test_recommendations_to_the_hidden_taste_are_counted(shop: DemoCatalogue, looker: Asked) -> None:
    data = compose(run_of(shop, looker))
    assert data.people[0].to_taste == 1
    assert [(taste.leaning, taste.users, taste.met) for taste in data.tastes] == [("image", 1, 0.5)]
    assert 0 < data.tastes[0].by_chance < 0.5


def test_without_secrets_there_is_no_talk_of_taste(shop: DemoCatalogue, looker: Asked) -> None:
    data = compose(run_of(replace(shop, secrets=None), looker))
    assert (data.is_shop, data.tastes, data.people[0].note, data.people[0].to_taste) == (False, (), "", None)


def test_only_what_spoke_for_an_item_is_shown_as_decisive(shop: DemoCatalogue, looker: Asked) -> None:
    recommended = person_of(run_of(shop, looker)).recommended[0]
    assert [card.item_id for card in recommended.decisive] == [looker.answer.items[0].explanation.history[0].item_id]  # type: ignore[union-attr]
    assert recommended.sentence == "Close to it."


def test_the_latest_of_a_history_come_first(shop: DemoCatalogue, looker: Asked) -> None:
    person = person_of(run_of(shop, looker))
    assert [lived.card.item_id for lived in person.history] == looker.liked[::-1][:12]
    assert (person.liked, person.events) == (len(looker.liked), len(shop.events[looker.user_id]))


def test_an_answer_says_what_it_lacked(shop: DemoCatalogue, looker: Asked) -> None:
    poor = replace(looker, answer=degraded(looker.answer))
    data = compose(run_of(shop, poor))
    assert data.people[0].lacked == ["fusion-ranker (service unavailable)"]
    assert ("Degraded answers", "1") in {(figure.name, figure.value) for figure in data.missing}


def test_what_is_missing_is_of_this_namespace(shop: DemoCatalogue, looker: Asked) -> None:
    missing = [(figure.name, figure.value) for figure in compose(run_of(shop, looker)).missing]
    assert missing[:3] == [("Items without a text", "2"), ("Items without a picture", "5"), ("Pending", "2")]


def test_figures_say_what_was_encoded_and_how_fast(shop: DemoCatalogue, looker: Asked) -> None:
    data = compose(run_of(shop, looker))
    figures = {figure.name: figure.value for figure in [*data.timings, *data.cache]}
    assert {"Texts encoded": "170", "Pictures encoded": "57", "Found in the cache": "3"}.items() <= figures.items()
    assert {"Items a second": "30", "Recommend": "20 ms", "Store": "3 MiB"}.items() <= figures.items()


def test_complaints_are_listed_up_to_a_point_and_all_counted(shop: DemoCatalogue, looker: Asked) -> None:
    bad = [BadLine("items.jsonl", line, "title", "is too long") for line in range(1, 81)]
    data = compose(run_of(shop, looker, replace(SUMMARY, refused=bad, refused_count=2000)))
    assert (len(data.complaints), data.complaint_count) == (50, 2000)
    assert data.complaints[0] == "items.jsonl, line 1, title: is too long"


def test_neighbours_by_text_and_by_picture_stay_apart(shop: DemoCatalogue, looker: Asked) -> None:
    ids = list(shop.secrets.products)[:3] if shop.secrets else []
    answers = Answers(likenesses=[AskedLikeness(ids[0], [ranked(ids[1], text=1)], [ranked(ids[2], image=1)])])
    (likeness,) = compose(replace(run_of(shop, looker), answers=answers)).likenesses
    shown = (likeness.card, likeness.by_text[0], likeness.by_picture[0])
    assert [card.item_id for card in shown] == ids


def test_an_item_that_the_folder_no_longer_has_is_shown_by_its_name(shop: DemoCatalogue, looker: Asked) -> None:
    gone = replace(looker, answer=RankedItems([ranked("gone", image=1)], Served()))
    card = person_of(run_of(shop, gone)).recommended[0].card
    assert (card.item_id, card.title, card.picture) == ("gone", "The gone", b"")


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("Short.", "Short."),
        ("One sentence. Another that is long.", "One sentence."),
        ("No sentence ends in this one", "No sentence ends in…"),
        ("The lamp, the chair, the rug", "The lamp, the chair…"),
        ("Dr. A sentence that is far longer", "Dr. A sentence that is…"),
        ("Unbreakable" * 5, ("Unbreakable" * 5)[:24] + "…"),
    ],
)
def test_a_texts_beginning_ends_at_a_sentence_or_else_at_a_word(text: str, short: str) -> None:
    assert beginning(text, 24) == short
