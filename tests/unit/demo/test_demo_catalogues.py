"""What a demo runs on: a folder's users and namespace, and the shop's secrets."""

import re
from pathlib import Path

import pytest

from modalmesh.data_folder import DataFolder
from modalmesh.errors import NotFound
from modalmesh.local.demo.catalogues import DemoCatalogue, ShopSize, built_in, namespace_of, of_folder, spread_users
from modalmesh.types import Event

ROWS = """user_id,item_id,timestamp,rating
ada,lamp,1,4.0
ben,lamp,2,4.0
ada,chair,nonsense,4.0
ada,chair,3,2.0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "Our Films!"
    path.mkdir()
    (path / "interactions.csv").write_text(ROWS)
    return path


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> DemoCatalogue:
    return built_in(tmp_path_factory.mktemp("home"), ShopSize(items=60, users=10), lambda number, total: None)


def catalogue_of(folder: Path, **counts: int) -> DemoCatalogue:
    """Users with so many events each."""
    events = {user: [Event(user, str(number), number) for number in range(count)] for user, count in counts.items()}
    return DemoCatalogue(DataFolder(folder), "data", "data", None, events)


def test_a_folders_events_are_kept_by_user_and_bad_rows_left_out(folder: Path) -> None:
    catalogue = of_folder(folder)
    assert {user: [event.item_id for event in events] for user, events in catalogue.events.items()} == {
        "ada": ["lamp", "chair"],
        "ben": ["lamp"],
    }
    assert (catalogue.name, catalogue.secrets) == ("Our Films!", None)


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"items\.jsonl"):
        of_folder(tmp_path)


@pytest.mark.parametrize("name", ["movielens-posters", "Our Films!", "映画", "---", "x" * 300])
def test_any_folders_name_makes_a_namespace(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,46}[a-z0-9]", namespace_of(Path("/data") / name))


def test_the_name_stays_readable_in_the_namespace() -> None:
    assert namespace_of(Path("/data/Our Films!")).startswith("our-films-")


def test_two_folders_of_one_name_are_two_namespaces() -> None:
    first, again, second = (namespace_of(Path(path)) for path in ("/a/films", "/a/films", "/b/films"))
    assert first == again != second


def test_users_are_spread_from_the_most_active_to_the_least(folder: Path) -> None:
    counts = {f"user{number}": number for number in range(1, 11)}
    spread = spread_users(catalogue_of(folder, **counts), 4)
    assert spread == ["user10", "user8", "user5", "user3"]


@pytest.mark.parametrize(("count", "expected"), [(2, ["ben", "ada"]), (60, ["ben", "ada"]), (1, ["ben"])])
def test_no_user_is_asked_for_twice(folder: Path, count: int, expected: list[str]) -> None:
    assert spread_users(catalogue_of(folder, ada=1, ben=2), count) == expected


def test_nobody_is_spread_over_nothing(folder: Path) -> None:
    assert spread_users(catalogue_of(folder), 60) == []


def test_the_shops_secrets_know_who_likes_what(shop: DemoCatalogue) -> None:
    assert shop.secrets
    looker = next(person for person in shop.secrets.customers.values() if person.kind == "picture")
    for product in shop.secrets.products.values():
        expected = bool(product.pictures) and product.look.pattern == looker.pattern
        assert shop.secrets.likes(looker.user_id, product.item_id) is expected
    assert not shop.secrets.likes(looker.user_id, "not a product")


def test_chance_is_the_share_of_products_to_a_taste(shop: DemoCatalogue) -> None:
    assert shop.secrets
    user = shop.users[0]
    liked = [item_id for item_id in shop.secrets.products if shop.secrets.likes(user, item_id)]
    assert 0 < shop.secrets.chance(user) == len(liked) / 60 < 0.5


@pytest.mark.parametrize(("kind", "words"), [("picture", "no text"), ("text", "no picture"), ("both", "in texts")])
def test_a_note_says_where_the_taste_shows(shop: DemoCatalogue, kind: str, words: str) -> None:
    assert shop.secrets
    person = next(person for person in shop.secrets.customers.values() if person.kind == kind)
    note = shop.secrets.note(person.user_id)
    assert words in note
    assert person.pattern in note


def test_every_customer_of_the_shop_has_events(shop: DemoCatalogue) -> None:
    assert shop.secrets
    assert set(shop.users) == set(shop.secrets.customers)
    assert shop.event_count >= 10 * 12
