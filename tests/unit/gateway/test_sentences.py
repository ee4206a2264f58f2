from modalmesh.types import Explanation, HistoryShare, SignalShare
from modalmesh_gateway.sentences import sentence

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
