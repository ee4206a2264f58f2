from collections.abc import Iterable
from typing import Any, cast

from modalmesh.types import Item
from modalmesh_gateway.completion import Completion
from modalmesh_gateway.index import Entry, ItemIndex
from modalmesh_gateway.parts import PartMonitor
from modalmesh_gateway.store import ItemRecord
from modalmesh_gateway.views import NamespaceView


class WatchedIndex(ItemIndex):
    """Counts how often all of it was looked through."""

    looks = 0

    def entries(self) -> Iterable[Entry]:
        self.looks += 1
        return super().entries()


def completion() -> tuple[Completion, NamespaceView, WatchedIndex]:
    """Without parts: nothing can be encoded or fused, so neither store nor builder is asked."""
    nobody = cast(Any, None)
    view, index = NamespaceView("shop"), WatchedIndex()
    view.index = index
    view.loaded.set()
    view.mark_synced()
    monitor = PartMonitor([])
    monitor.serving = lambda name: False  # type: ignore[method-assign] # no part is there to be asked
    return Completion(nobody, nobody, monitor, nobody, pause_seconds=1, batch_seconds=1), view, index


async def test_a_catalogue_in_which_nothing_waits_is_not_looked_through_again() -> None:
    work, view, index = completion()
    await work.complete(view)
    await work.complete(view)
    assert index.looks == 1


async def test_a_change_is_looked_at() -> None:
    work, view, index = completion()
    await work.complete(view)
    index.upsert(ItemRecord(Item("mug"), "digest", None, None, None, "", frozenset()))
    await work.complete(view)
    assert index.looks == 2
