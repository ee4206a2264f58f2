"""Callers that go on and on while parts of a mesh die: they remember what was accepted and how reads were answered."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count

from modalmesh.client import Client
from modalmesh.errors import ModalmeshError, Unavailable
from modalmesh.types import Event, Item, RankedItems
from tests.e2e.pictures import picture

# Some 25 calls a second in all. A start costs an encoder three seconds of a core: where callers keep all cores busy,
# it takes as much longer as they leave it less.
_PAUSE_SECONDS = 0.2
_EVENTS_A_USER = 50
_RED = picture("red")

READS: dict[str, Callable[[Client, str], RankedItems]] = {
    "recommend": lambda client, unseen: client.recommend("ada", k=3),
    "similar": lambda client, unseen: client.similar_items("red-shoe", k=3),
    # No cache has the vectors of these queries.
    "search": lambda client, unseen: client.search_items(text=unseen, k=3),
    "search by both": lambda client, unseen: client.search_items(text=unseen, image=_RED + unseen.encode(), k=3),
}


class Callers:
    """One thread a kind of call. `accepted_*`: acknowledged to the caller; `lacked`: what answers said they lacked.

    `done` counts what was accepted or answered, by kind. `prefix` keeps the names of several runs apart.
    """

    def __init__(self, address: str, prefix: str) -> None:
        self.accepted_items: list[str] = []
        self.accepted_events: list[tuple[str, str]] = []
        self.done: Counter[str] = Counter()
        self.lacked: set[str] = set()
        self.failed_reads: list[tuple[str, ModalmeshError]] = []
        self._address = address
        self._prefix = prefix
        self._ended = threading.Event()

    @contextmanager
    def calling(self) -> Iterator[None]:
        """The calls go on in this block; the first answers are there when it begins."""
        kinds = {"put": self._put, "record": self._record, **{kind: partial(self._read, kind) for kind in READS}}
        threads = [threading.Thread(target=self._forever, args=(work,)) for work in kinds.values()]
        for thread in threads:
            thread.start()
        try:
            self.more(*kinds)
            yield
            self.more(*kinds)
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()

    def more(self, *kinds: str, seconds: float = 60.0) -> None:
        """Wait until each of these kinds of calls has been answered some more times."""
        before = self.done.copy()
        end = time.monotonic() + seconds
        while late := [kind for kind in kinds if self.done[kind] < before[kind] + 3]:
            assert time.monotonic() < end, f"no answers within {seconds} s: {late}"
            time.sleep(0.01)

    def lost_items(self, client: Client) -> set[str]:
        return set(self.accepted_items) - {item.item_id for item in client.list_items()}

    def lost_events(self, client: Client) -> set[tuple[str, str]]:
        users = {user for user, _ in self.accepted_events}
        kept = {(user, event.event_id) for user in users for event in client.get_history(user).events}
        return set(self.accepted_events) - kept

    def _forever(self, work: Callable[[Client, int], None]) -> None:
        with Client(self._address) as client:
            for number in count():
                if self._ended.is_set():
                    return
                work(client, number)
                time.sleep(_PAUSE_SECONDS)

    def _put(self, client: Client, number: int) -> None:
        name = f"{self._prefix}-{number}"
        try:
            summary = client.upsert_items([Item(name, title=f"Thing number {number}")])
        except Unavailable:
            # Refused, not accepted: Redis is away.
            return
        assert summary.refused == ()
        self.accepted_items.append(name)
        self.done["put"] += 1

    def _record(self, client: Client, number: int) -> None:
        user, name = f"{self._prefix}-{number // _EVENTS_A_USER}", f"{self._prefix}-{number}"
        try:
            client.record_events([Event(user, "red-shoe", 1_700_000_000_000 + number, value=5.0, event_id=name)])
        except Unavailable:
            return
        self.accepted_events.append((user, name))
        self.done["record"] += 1

    def _read(self, kind: str, client: Client, number: int) -> None:
        try:
            answer = READS[kind](client, f"{self._prefix} {number}")
        except ModalmeshError as error:
            self.failed_reads.append((kind, error))
            return
        self.done[kind] += 1
        self.lacked.update(lack.part for lack in answer.served.lacked)
