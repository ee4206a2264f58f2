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
_PIECES_BEFORE = 4


class Window(Generic[Item]):
    """What waits for the device, sorted by length. `length` is that of all together."""

    def __init__(self, most: int, budget: int, overhead: int = 1 << 30) -> None:
        self._most = most
        self._budget = budget
        self._overhead = overhead
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
        """The next batch, which stays in the window: sorted by length and cut, the piece that holds the oldest.

        So neighbours are of similar length, and each batch takes the oldest, so that nobody is overtaken for ever. With
        few inputs each of the idle `devices` gets its share of them. Only one that is over the budget all by itself
        makes a batch that is.
        """
        count = len(self._by_length)
        if not count:
            return []
        place = self._place(next(iter(self._by_age)))
        most = ceil(count / max(ceil(count / self._most), min(devices, count)))
        # From the shortest on, or from as near as makes no difference to a long window.
        start = end = max(0, place // most - _PIECES_BEFORE) * most
        while end <= place:
            start, end = end, self._cut(end, most)
        return self._by_length[start:end]

    def _cut(self, start: int, most: int) -> int:
        """Where a piece ends that starts at `start`: before what pads the others by more than a batch of its own costs.

        That is half of a batch's overhead, since those that follow fit the new batch better (by simulation as good as
        the best cut there is).
        """
        items, end = self._by_length, start + 1
        while end < min(start + most, len(items)):
            longest, count = items[end].length, end - start
            if (count + 1) * longest > self._budget:
                break
            if 2 * count * (longest - items[end - 1].length) > self._overhead:
                break
            end += 1
        return end

    def _place(self, item: Item) -> int:
        return bisect_left(self._by_length, item.order, key=_order)
