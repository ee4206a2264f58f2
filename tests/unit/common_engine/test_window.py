"""The batch former by itself: whatever waits, and in whatever order it came."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from modalmesh_services.common.engine.window import Window


@dataclass(eq=False)
class Text:
    number: int
    length: int

    @property
    def order(self) -> tuple[int, int]:
        return self.length, self.number


def window(lengths: list[int], most: int = 4, budget: int = 1000, overhead: int = 1000) -> Window[Text]:
    filled: Window[Text] = Window(most, budget, overhead)
    for number, length in enumerate(lengths):
        filled.add(Text(number, length))
    return filled


def batches(waiting: Window[Text], devices: int = 1) -> list[list[Text]]:
    """All that waits, as it goes to the device."""
    taken = []
    while batch := list(waiting.choose(devices)):
        for text in batch:
            waiting.remove(text)
        taken.append(batch)
    return taken


def lengths(found: list[list[Text]]) -> list[list[int]]:
    return [[text.length for text in batch] for batch in found]


def test_a_batch_is_the_oldest_with_those_closest_in_length() -> None:
    assert lengths(batches(window([50, 1, 2, 3, 52, 51], most=3))) == [[50, 51, 52], [1, 2, 3]]


def test_few_inputs_are_shared_by_the_idle_devices() -> None:
    assert lengths(batches(window([1, 2, 3, 4]), devices=2))[0] == [1, 2]


def test_a_rest_is_no_batch_of_one() -> None:
    assert lengths(batches(window([1, 2, 3, 4, 5]))) == [[1, 2, 3], [4, 5]]


def test_a_batch_is_cut_where_padding_would_cost_more_than_another_batch() -> None:
    assert lengths(batches(window([10, 11, 12, 30], overhead=20))) == [[10, 11, 12], [30]]
    assert lengths(batches(window([10, 11, 12, 13], overhead=20))) == [[10, 11, 12, 13]]


LENGTHS = st.lists(st.integers(1, 300), max_size=80)


@given(LENGTHS, st.integers(1, 9), st.integers(1, 600), st.integers(0, 50), st.integers(1, 3))
def test_nothing_is_lost_nothing_goes_twice_and_no_batch_is_over_budget(
    given_lengths: list[int], most: int, budget: int, overhead: int, devices: int
) -> None:
    found = batches(window(given_lengths, most, budget, overhead), devices)
    assert sorted(text.number for batch in found for text in batch) == list(range(len(given_lengths)))
    for batch in found:
        assert len(batch) <= most
        assert len(batch) == 1 or len(batch) * max(text.length for text in batch) <= budget


@given(LENGTHS, st.lists(st.lists(st.integers(1, 300), max_size=8), max_size=30), st.integers(1, 9))
def test_nobody_is_overtaken_for_ever(given_lengths: list[int], later: list[list[int]], most: int) -> None:
    waiting = window(given_lengths, most)
    arrivals, number = iter(later), len(given_lengths)
    oldest = list(range(number))
    while batch := waiting.choose(1):
        # Each batch takes the very oldest, so that one before which k others came waits for k batches at most.
        assert not oldest or oldest[0] in [text.number for text in batch]
        for text in batch:
            waiting.remove(text)
        oldest = [one for one in oldest if one not in [text.number for text in batch]]
        for length in next(arrivals, []):
            waiting.add(Text(number, length))
            number += 1


@given(LENGTHS, st.data())
def test_what_is_removed_is_gone_and_the_rest_stays_sorted(given_lengths: list[int], data: st.DataObject) -> None:
    filled: Window[Text] = Window(1000, 1 << 30)
    texts = [Text(number, length) for number, length in enumerate(given_lengths)]
    for text in texts:
        filled.add(text)
    gone = data.draw(st.sets(st.sampled_from(texts)) if texts else st.just(set()))
    for text in gone:
        filled.remove(text)
    left = sorted((text for text in texts if text not in gone), key=lambda text: text.order)
    assert (list(filled.choose(1)), filled.length) == (left, sum(text.length for text in left))
