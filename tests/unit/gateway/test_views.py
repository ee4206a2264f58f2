import asyncio
from collections.abc import Sequence
from typing import Any, cast

from modalmesh.types import Item
from modalmesh_gateway.store import ItemRecord, Store
from modalmesh_gateway.views import NamespaceView, Views


class SlowCatalogue:
    """A catalogue whose first answer, made when it was asked, is long on its way."""

    def __init__(self) -> None:
        self.records: dict[str, ItemRecord] = {}
        self.asked = asyncio.Event()
        self.arrives = asyncio.Event()

    async def get(self, namespace: str, item_ids: Sequence[str]) -> dict[str, ItemRecord]:
        answer = dict(self.records)
        if not self.asked.is_set():
            self.asked.set()
            await self.arrives.wait()
        return answer


class SlowStore:
    def __init__(self) -> None:
        self.catalogue = SlowCatalogue()


def record(title: str) -> ItemRecord:
    return ItemRecord(Item("mug", title=title), "digest", None, None, None, "", frozenset())


async def refresh_twice(before: ItemRecord, after: ItemRecord | None) -> NamespaceView:
    """The state `before` is read first, and arrives when the state `after` could have been read already."""
    store = SlowStore()
    views, view = Views(cast(Store, cast(Any, store))), NamespaceView("shop")
    store.catalogue.records = {"mug": before}
    first = asyncio.create_task(views.refresh(view, ["mug"]))
    await store.catalogue.asked.wait()
    store.catalogue.records = {"mug": after} if after else {}
    second = asyncio.create_task(views.refresh(view, ["mug"]))
    await asyncio.sleep(0)
    store.catalogue.arrives.set()
    await asyncio.gather(first, second)
    return view


async def test_a_state_that_was_read_first_and_came_late_replaces_nothing_newer() -> None:
    view = await refresh_twice(record("old"), record("new"))
    assert view.index.title("mug") == "new"


async def test_an_item_deleted_meanwhile_does_not_come_back() -> None:
    view = await refresh_twice(record("old"), None)
    assert "mug" not in view.index
