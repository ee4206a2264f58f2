"""The verbs that ask: what is sent, the document, the view for people."""

from pathlib import Path

import pytest

from modalmesh.v1 import recommender_service_pb2 as v1
from modalmesh.v1.types_pb2 import Item
from tests.unit.cli.conftest import Verb
from tests.unit.client.scripted_gateway import ScriptedGateway

SERVED = {
    "degraded": True,
    "served_by": "retrieval",
    "lacked": [{"part": "fusion-ranker", "reason": "SERVICE_UNAVAILABLE"}],
    "ranker_revision": "zero-shot",
    "index_age_ms": 12,
}


def test_recommend_puts_out_one_document(ask: Verb) -> None:
    outcome = ask("recommend", "ada", "--json")
    assert (outcome.code, outcome.stderr) == (0, "")
    document = outcome.document
    assert sorted(document) == ["items", "served", "unknown", "user_id"]
    assert document["served"] == SERVED
    (item,) = document["items"]
    assert (item["item_id"], item["score"], item["title"]) == ("lamp", 0.75, "Reading [lamp]")
    assert item["explanation"]["signals"][0] == {"signal": "text", "contribution": 1.2, "share": 0.8}


def test_recommend_asks_for_what_was_said(ask: Verb, gateway: ScriptedGateway) -> None:
    ask("recommend", "ada", "-k", "3", "--explain", "--namespace", "shop")
    (request,) = gateway.requests("Recommend")
    assert (request.user_id, request.k, request.explain, request.namespace) == ("ada", 3, True, "shop")


def test_defaults_are_ten_items_of_the_default_namespace(ask: Verb, gateway: ScriptedGateway) -> None:
    ask("recommend", "ada")
    (request,) = gateway.requests("Recommend")
    assert (request.k, request.namespace, request.explain) == (10, "default", False)


def test_people_see_items_reasons_and_what_was_lacked(ask: Verb) -> None:
    text = ask("recommend", "ada").stdout
    for words in ("lamp", "Reading [lamp]", "0.750", "Its text is close to chair.", "retrieval", "fusion-ranker"):
        assert words in text


def test_rank_sends_candidates_in_order_and_lists_unknown_ones(ask: Verb, gateway: ScriptedGateway) -> None:
    outcome = ask("rank", "ada", "lamp", "ghost", "--json")
    (request,) = gateway.requests("Rank")
    assert (request.user_id, list(request.item_ids)) == ("ada", ["lamp", "ghost"])
    assert outcome.document["unknown"] == ["ghost"]
    assert "no such item: ghost" in ask("rank", "ada", "lamp", "ghost").stdout


@pytest.mark.parametrize("by", ["fused", "text", "image"])
def test_similar_says_by_what(ask: Verb, gateway: ScriptedGateway, by: str) -> None:
    outcome = ask("similar", "chair", "--by", by, "--json")
    assert (outcome.document["item_id"], outcome.document["by"]) == ("chair", by)
    assert len(gateway.requests("SimilarItems")) == 1


@pytest.mark.parametrize(("text", "with_image"), [("red", False), ("", True), ("red", True)])
def test_search_takes_text_a_picture_or_both(
    ask: Verb, gateway: ScriptedGateway, tmp_path: Path, text: str, with_image: bool
) -> None:
    picture = tmp_path / "shoe.jpg"
    picture.write_bytes(b"\xff\xd8shoe")
    outcome = ask("search", *([text] if text else []), *(["--image", str(picture)] if with_image else []), "--json")
    (request,) = gateway.requests("SearchItems")
    assert (request.text, request.image) == (text, b"\xff\xd8shoe" if with_image else b"")
    assert outcome.document["image"] == (str(picture) if with_image else "")


def test_explain_puts_out_signals_and_history(ask: Verb) -> None:
    (explanation,) = ask("explain", "ada", "lamp", "--json").document["explanations"]
    assert explanation["probability"] == 0.75
    assert [signal["signal"] for signal in explanation["signals"]] == ["text", "image"]
    assert explanation["history"][0]["item_id"] == "chair"


def test_explain_shows_people_the_sentence_and_the_shares(ask: Verb) -> None:
    text = ask("explain", "ada", "lamp").stdout
    for words in ("Its text is close to chair.", "0.750", "+1.200", "-0.300", "80%", "chair"):
        assert words in text


def test_explain_asks_for_words_and_for_regions_of_the_pictures_named(
    ask: Verb, gateway: ScriptedGateway, tmp_path: Path
) -> None:
    picture = tmp_path / "mug.png"
    picture.write_bytes(b"\x89PNG")
    ask("explain", "ada", "lamp", "--words", "--picture", str(picture))
    ask("explain", "ada", "lamp")
    with_parts, plain = gateway.requests("Explain")
    assert (with_parts.words, with_parts.regions, list(with_parts.pictures)) == (True, True, [b"\x89PNG"])
    assert (plain.words, plain.regions, list(plain.pictures)) == (False, False, [])


def test_explain_shows_words_and_regions_and_whether_they_are_exact(ask: Verb) -> None:
    text = ask("explain", "ada", "lamp", "--words").stdout
    for words in ("Words that counted (approximately", "Reading", "+0.700", "Regions that counted", "0% to 50%", "25%"):
        assert words in text


def test_explain_draws_a_page(ask: Verb, gateway: ScriptedGateway, tmp_path: Path) -> None:
    gateway.answers["GetItem"] = v1.GetItemResponse(item=Item(item_id="lamp", title="Reading lamp"))
    picture = tmp_path / "lamp.png"
    picture.write_bytes(b"\x89PNG")
    page = tmp_path / "why.html"
    assert ask("explain", "ada", "lamp", "--words", "--picture", str(picture), "--page", str(page)).code == 0
    assert ">Reading</mark> " in page.read_text()


def test_nothing_found_says_so(ask: Verb, gateway: ScriptedGateway) -> None:
    gateway.answers.pop("SearchItems")
    outcome = ask("search", "zebra")
    assert outcome.code == 0
    assert "Found for zebra: nothing" in outcome.stdout
