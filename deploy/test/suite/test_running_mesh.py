"""What callers of a freshly filled mesh rely on: `make deploy-test` runs these against the containers."""

import io
import os
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from modalmesh.client import Client
from modalmesh.errors import InvalidInput, NotFound
from modalmesh.types import Event, Item, Picture


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with Client(os.environ["MESH_ADDRESS"], os.environ["MESH_NAMESPACE"]) as client:
        yield client


@pytest.fixture
def known(client: Client) -> Item:
    """An item with a text and a picture."""
    return next(item for item in client.list_items() if item.title and item.pictures)


def user_with_history(client: Client) -> str:
    client.record_events(Event("somebody", item.item_id, 1_700_000_000_000, value=5.0) for item in _first(client, 3))
    return "somebody"


def _first(client: Client, count: int) -> list[Item]:
    return [item for _, item in zip(range(count), client.list_items(), strict=False)]


def picture() -> bytes:
    output = io.BytesIO()
    Image.new("RGB", (48, 48), "darkred").save(output, "PNG")
    return output.getvalue()


def test_every_part_serves_and_writes_are_on_disk(client: Client) -> None:
    status = client.status()
    assert {service.name: service.serving for service in status.services} == dict.fromkeys(
        ("text-encoder", "image-encoder", "fusion-ranker"), True
    )
    assert status.store.durable


def test_unseen_items_are_recommended_by_the_ranker_with_reasons(client: Client) -> None:
    user = user_with_history(client)
    answer = client.recommend(user, k=5, explain=True)
    seen = {event.item_id for event in client.get_history(user).events}
    assert len(answer.items) == 5
    assert not seen & {item.item_id for item in answer.items}
    assert (answer.served.lacked, bool(answer.served.ranker_revision)) == ((), True)
    assert all(item.explanation and item.explanation.signals for item in answer.items)


@pytest.mark.parametrize("by", ["fused", "text", "image"])
def test_similar_items_are_others(client: Client, known: Item, by: str) -> None:
    found = [item.item_id for item in client.similar_items(known.item_id, 5, by).items]  # type: ignore[arg-type] # by name
    assert len(found) == 5
    assert known.item_id not in found


def test_an_item_is_found_by_its_own_words(client: Client, known: Item) -> None:
    found = client.search_items(text=f"{known.title}. {known.description}", k=10)
    assert known.item_id in {item.item_id for item in found.items}


def test_pictures_are_searched_by_pictures(client: Client) -> None:
    client.upsert_items([Item("a-red-square", pictures=[Picture(picture())])])
    assert client.search_items(image=picture(), k=1).items[0].item_id == "a-red-square"


def test_a_picture_and_words_are_searched_together(client: Client) -> None:
    assert len(client.search_items(text="something to wear", image=picture(), k=3).items) == 3


def test_candidates_are_ranked_and_explained(client: Client) -> None:
    user = user_with_history(client)
    candidates = [item.item_id for item in _first(client, 8)]
    ranked = client.rank(candidates, user)
    assert {item.item_id for item in ranked.items} == set(candidates)
    scores = [item.score for item in ranked.items]
    assert scores == sorted(scores, reverse=True)
    assert len(client.explain(user, candidates[:2]).explanations) == 2


def test_the_same_item_again_is_unchanged_and_encodes_nothing(client: Client, known: Item) -> None:
    item = Item("twice", title="The same thing twice")
    client.upsert_items([item])
    again = client.upsert_items([item])
    assert (again.unchanged, again.encoded_texts) == (1, 0)


def test_a_deleted_item_is_gone(client: Client) -> None:
    client.upsert_items([Item("short-lived", title="Soon gone")])
    client.delete_items(["short-lived"])
    with pytest.raises(NotFound):
        client.get_item("short-lived")


def test_embeddings_of_all_items_come_with_their_dims(client: Client, known: Item) -> None:
    found = {each.item_id: each for each in client.get_embeddings()}
    assert known.item_id in found


def test_a_wrong_request_is_refused_by_its_field(client: Client) -> None:
    with pytest.raises(InvalidInput) as refused:
        client.recommend("", k=5)
    assert refused.value.field == "user_id"


def test_a_picture_that_is_none_is_refused_and_its_neighbour_goes_in(client: Client) -> None:
    noise = np.random.default_rng(0).bytes(100)
    summary = client.upsert_items([Item("broken", pictures=[Picture(noise)]), Item("whole", title="A whole one")])
    assert {refusal.id for refusal in summary.refused} == {"broken"}
    assert client.get_item("whole").title == "A whole one"
