import pytest

from modalmesh.types import Explanation, HistoryShare, RegionShare, SignalShare, WordShare
from modalmesh_gateway.explaining.sentences import sentence

TITLES = {"a": "Striped mug", "b": "Striped plate"}


def explain(signals: list[SignalShare], history: list[HistoryShare]) -> str:
    return sentence(Explanation("x", 0.7, 0.0, signals, history), lambda item_id: TITLES.get(item_id, item_id))


def test_it_names_the_items_and_the_signal_that_decided() -> None:
    said = explain(
        [SignalShare("text", 0.05, 0.05), SignalShare("image", 0.9, 0.9), SignalShare("popularity", 0.05, 0.05)],
        [HistoryShare("a", 0.5, 0.6), HistoryShare("b", 0.3, 0.4)],
    )
    assert said == "Close to “Striped mug” and “Striped plate”, by how it looks (90 %)."


def test_it_names_a_second_signal_that_counts() -> None:
    said = explain([SignalShare("text", 0.6, 0.6), SignalShare("image", 0.4, 0.4)], [HistoryShare("a", 1.0, 1.0)])
    assert said == "Close to “Striped mug”, mostly by what it says (60 %), then by how it looks (40 %)."


def test_popularity_names_no_item_of_the_history() -> None:
    said = explain([SignalShare("popularity", 1.0, 1.0)], [HistoryShare("a", 0.1, 1.0)])
    assert said == "Suggested by how many liked it (100 %)."


def test_what_speaks_against_an_item_is_no_reason() -> None:
    said = explain([SignalShare("text", -1.0, 1.0)], [HistoryShare("a", -1.0, 1.0)])
    assert said == "Nothing in the history speaks clearly for it."


def with_parts(words: list[WordShare], regions: list[RegionShare], *, sign: float = 1.0) -> str:
    signals = [SignalShare("text", 0.5 * sign, 0.5), SignalShare("image", 0.5 * sign, 0.5)]
    shares = [HistoryShare("a", 1.0, 1.0)]
    explanation = Explanation("x", 0.7, 0.0, signals, shares, words=words, regions=regions)
    return sentence(explanation, lambda item_id: TITLES[item_id])


def word(text: str, contribution: float) -> WordShare:
    return WordShare("title", 0, len(text), text, contribution, abs(contribution))


def test_it_names_three_words_that_speak_for_it_each_once() -> None:
    said = with_parts([word("mug", 0.1), word("Tea", 0.4), word("no", -0.9), word("tea", 0.3), word("red", 0.2)], [])
    assert said.endswith(" Of its words, “Tea”, “red” and “mug” count most.")
    assert with_parts([word("mug", 0.1)], []).endswith(" Of its words, “mug” counts most.")


@pytest.mark.parametrize(
    ("box", "where"),
    [
        ((0.0, 0.0, 0.3, 0.3), "the upper left"),
        ((0.4, 0.4, 0.6, 0.6), "the centre"),
        ((0.8, 0.4, 1.0, 0.6), "the right"),
        ((0.4, 0.9, 0.6, 1.0), "the lower middle"),
    ],
)
def test_it_says_where_in_the_picture(box: tuple[float, float, float, float], where: str) -> None:
    said = with_parts([], [RegionShare(0, *box, 0.4, 0.4), RegionShare(0, 0.0, 0.0, 1.0, 1.0, -0.6, 0.6)])
    assert said.endswith(f" Of its picture, {where} counts most.")


def test_parts_of_what_speaks_against_an_item_are_not_named() -> None:
    assert with_parts([word("mug", 0.1)], [], sign=-1.0) == "Nothing in the history speaks clearly for it."


def test_where_no_word_and_no_region_moves_the_score_it_says_why() -> None:
    nothing = [RegionShare(0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0)]
    because = "moves the score: the model knows the item by its id."
    assert with_parts([word("mug", 0.0), word("tea", 0.0)], nothing).endswith(
        f" None of its words or regions {because}"
    )
    assert with_parts([word("mug", 0.1)], nothing).endswith(f" None of its regions {because}")
    assert because not in with_parts([word("mug", 0.0), word("tea", -0.1)], [])


def test_without_a_history_that_counts_the_id_is_not_named_as_the_reason() -> None:
    explanation = Explanation("x", 0.7, 0.0, [SignalShare("popularity", 0.5, 1.0)], words=[word("mug", 0.0)])
    assert sentence(explanation, str).endswith(" None of its words moves the score.")
