"""Pages are stable, tokens are checked."""

import base64
import json

import pytest

from modalmesh.errors import InvalidInput
from modalmesh_gateway.store import Store
from tests.unit.gateway_store.builders import full_record


async def fill(store: Store, *item_ids: str) -> None:
    await store.catalogue.put("shop", [full_record(item_id) for item_id in item_ids])


async def read_pages(store: Store, page_size: int) -> list[list[str]]:
    pages, token = [], ""
    while True:
        records, token = await store.catalogue.page("shop", page_size, token)
        pages.append([record.item.item_id for record in records])
        if not token:
            return pages


@pytest.mark.parametrize("page_size", [1, 3, 7, 30, 31, 1000])
async def test_pages_hold_every_item_once(store: Store, page_size: int) -> None:
    ids = [f"item-{number}" for number in range(30)]
    await fill(store, *ids)
    pages = await read_pages(store, page_size)
    assert sorted(item_id for page in pages for item_id in page) == sorted(ids)
    assert [len(page) for page in pages[:-1]] == [page_size] * (len(pages) - 1)
    assert pages[-1]


async def test_the_order_is_the_same_for_every_page_size(store: Store) -> None:
    await fill(store, *(f"item-{number}" for number in range(30)))
    orders = [[item_id for page in await read_pages(store, size) for item_id in page] for size in (4, 1000)]
    assert orders[0] == orders[1]


async def test_items_that_come_and_go_move_no_others(store: Store) -> None:
    ids = [f"item-{number}" for number in range(40)]
    await fill(store, *ids)
    first, token = await store.catalogue.page("shop", 20, "")
    await fill(store, *(f"item-{number}.5" for number in range(40)))
    await store.catalogue.delete("shop", [record.item.item_id for record in first[:10]])
    rest: list[str] = []
    while token:
        records, token = await store.catalogue.page("shop", 7, token)
        rest += [record.item.item_id for record in records]
    before = [record.item.item_id for record in first]
    assert len(set(rest)) == len(rest)
    assert sorted([*before, *(item_id for item_id in rest if item_id in ids)]) == sorted(ids)


async def test_the_item_that_a_token_points_at_may_be_gone(store: Store) -> None:
    await fill(store, *(f"item-{number}" for number in range(10)))
    first, token = await store.catalogue.page("shop", 5, "")
    await store.catalogue.delete("shop", [first[-1].item.item_id])
    second, _ = await store.catalogue.page("shop", 5, token)
    assert len(second) == 5


async def test_an_empty_catalogue_is_one_empty_page(store: Store) -> None:
    await store.namespaces.ensure("shop")
    assert await store.catalogue.page("shop", 10, "") == ([], "")


def token_of(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "é",
        "a" * 5000,
        token_of("text"),
        token_of(["shop", 4, 0]),
        token_of(["other", 4, 0, "item"]),
        token_of(["shop", 8, 0, "item"]),
        token_of(["shop", 4, 4, "item"]),
        token_of(["shop", 4, -1, "item"]),
        token_of(["shop", 4, True, "item"]),
        token_of(["shop", 4, 0, 7]),
        token_of(["shop", 4, 0, "\ud800"]),
        base64.urlsafe_b64encode(b"[" * 2500).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
async def test_a_token_that_is_none_of_ours_is_refused(store: Store, token: str) -> None:
    await store.namespaces.ensure("shop")
    with pytest.raises(InvalidInput) as caught:
        await store.catalogue.page("shop", 10, token)
    assert (caught.value.field, caught.value.reason) == ("page_token", "INVALID_PAGE_TOKEN")
