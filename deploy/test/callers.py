"""Callers that go on while services restart. They use the client as it comes: its tries, its deadlines."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from modalmesh.client import Client
from modalmesh.errors import ModalmeshError
from modalmesh.types import Event, Item

CALLERS = 16
# A call each 0.2 s and caller: some 50 to 80 a second together, which leaves a small machine room for what starts.
_PAUSE_SECONDS = 0.2
_EVENTS_A_USER = 100


class Callers:
    """`failed` and `done` by kind of call; `accepted_*` is what the mesh acknowledged; `longest` is in seconds.

    `prefix` keeps the names of several runs apart.
    """

    def __init__(self, address: str, prefix: str, namespace: str, known_item: str) -> None:
        self.done: Counter[str] = Counter()
        self.degraded: Counter[str] = Counter()
        self.failed: list[str] = []
        self.accepted_items: set[str] = set()
        self.accepted_events: set[tuple[str, str]] = set()
        self.longest = 0.0
        self._address = address
        self._prefix = prefix
        self._namespace = namespace
        self._known_item = known_item
        self._ended = threading.Event()

    @contextmanager
    def calling(self) -> Iterator[None]:
        kinds = (self._recommend, self._search, self._similar, self._put, self._record)
        work = [kinds[number % len(kinds)] for number in range(CALLERS)]
        threads = [threading.Thread(target=self._forever, args=each) for each in enumerate(work)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()

    def lost(self) -> int:
        """How many of the accepted items and events are not there."""
        with Client(self._address, self._namespace) as client:
            items = self.accepted_items - {item.item_id for item in client.list_items()}
            users = {user for user, _ in self.accepted_events}
            kept = {(user, event.event_id) for user in users for event in client.get_history(user).events}
        return len(items) + len(self.accepted_events - kept)

    def _forever(self, caller: int, work: Callable[[Client, str], None]) -> None:
        kind = work.__name__.strip("_")
        with Client(self._address, self._namespace) as client:
            for number in count():
                if self._ended.is_set():
                    return
                started = time.monotonic()
                try:
                    work(client, f"{self._prefix}-{caller}-{number}")
                except ModalmeshError as error:
                    self.failed.append(f"{kind} after {time.monotonic() - started:.1f} s: {error!r}")
                else:
                    self.done[kind] += 1
                self.longest = max(self.longest, time.monotonic() - started)
                time.sleep(_PAUSE_SECONDS)

    def _recommend(self, client: Client, name: str) -> None:
        self.degraded["recommend"] += client.recommend(f"user-{name}", k=5).served.degraded

    def _search(self, client: Client, name: str) -> None:
        # No cache has this text.
        self.degraded["search"] += client.search_items(text=f"a lamp number {name}", k=5).served.degraded

    def _similar(self, client: Client, name: str) -> None:
        self.degraded["similar"] += client.similar_items(self._known_item, k=5).served.degraded

    def _put(self, client: Client, name: str) -> None:
        item_id = f"put-{name}"
        summary = client.upsert_items([Item(item_id, title=f"Thing number {name}")])
        if summary.refused:
            raise ModalmeshError(f"refused: {summary.refused}")
        self.accepted_items.add(item_id)

    def _record(self, client: Client, name: str) -> None:
        caller, _, number = name.rpartition("-")
        user, event_id = f"user-{caller}-{int(number) // _EVENTS_A_USER}", f"event-{name}"
        event = Event(user, self._known_item, 1_700_000_000_000 + int(number), value=5.0, event_id=event_id)
        summary = client.record_events([event])
        if summary.refused:
            raise ModalmeshError(f"refused: {summary.refused}")
        self.accepted_events.add((user, event_id))
