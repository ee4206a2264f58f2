"""The batch former: of what is prepared, the next batch. Pure, without clock and threads."""

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Sequence
from math import ceil
from operator import attrgetter
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """`order` is its length and a number of its own, by which it is found again."""

    length: int

    @property
    def order(self) -> tuple[int, int]: ...


Item = TypeVar("Item", bound=Sized)
_order = attrgetter("order")


class Window(Generic[Item]):
    """What waits for the device, sorted by length. `length` is that of all together."""

    def __init__(self, most: int, budget: int) -> None:
        self._most = most
        self._budget = budget
        self._by_length: list[Item] = []
        self._by_age: OrderedDict[Item, None] = OrderedDict()
        self.length = 0

    def __len__(self) -> int:
        return len(self._by_length)

    def add(self, item: Item) -> None:
        insort(self._by_length, item, key=_order)
        self._by_age[item] = None
        self.length += item.length

    def remove(self, item: Item) -> None:
        del self._by_age[item]
        del self._by_length[self._place(item)]
        self.length -= item.length

    def choose(self, devices: int) -> Sequence[Item]:
        """The next batch, which stays in the window: cut evenly from the shortest on, the piece that holds the oldest.

        So neighbours are of similar length, and each batch takes the oldest, so that nobody is overtaken for ever. With
        few inputs each of the idle `devices` gets its share of them. Only one that is over the budget all by itself
        makes a batch that is.
        """
        if not self._by_length:
            return []
        place = self._place(next(iter(self._by_age)))
        count = len(self._by_length)
        pieces = max(ceil(count / self._most), min(devices, count))
        start, end = 0, 0
        while end <= place:
            start, end = end, self._cut(end, ceil(count / pieces))
        return self._by_length[start:end]

    def _cut(self, start: int, most: int) -> int:
        """Where a piece ends that starts at `start`."""
        end = min(start + most, len(self._by_length))
        while end - start > 1 and (end - start) * self._by_length[end - 1].length > self._budget:
            end -= 1
        return end

    def _place(self, item: Item) -> int:
        return bisect_left(self._by_length, item.order, key=_order)
