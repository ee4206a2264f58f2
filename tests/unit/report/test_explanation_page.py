"""An explanation as a page: what counted can be seen in the text and in the picture."""

import pytest

from modalmesh.local.report.explanation import ExplainedItem, Run, render_explanation, runs
from modalmesh.types import Explanation, HistoryShare, RegionShare, SignalShare, WordShare
from tests.unit.report.conftest import picture

TEXT = "A <striped> mug, for tea."
WORDS = (
    WordShare("title", 3, 10, "striped", 0.4, 0.4),
    WordShare("title", 12, 15, "mug", -0.2, 0.2),
    WordShare("title", 21, 24, "tea", 0.001, 0.0),
)


def item(words: tuple[WordShare, ...] = WORDS, fit: float = 1.0) -> ExplainedItem:
    explanation = Explanation(
        "mug",
        0.75,
        -2.0,
        (SignalShare("text", 0.6, 0.6), SignalShare("image", 0.4, 0.4)),
        (HistoryShare("cup", 0.5, 0.7), HistoryShare("bowl", 0.2, 0.3)),
        "Close to “Cup”.",
        words,
        (RegionShare(0, 0.0, 0.25, 0.5, 1.0, 0.3, 0.3), RegionShare(0, 0.5, 0.0, 1.0, 1.0, -0.1, 0.1)),
        fit,
        1.0,
    )
    return ExplainedItem("ada", explanation, {"title": TEXT}, {0: picture()}, {"mug": "A mug", "cup": "A <cup>"})


def test_words_are_marked_by_how_much_they_count_beside_the_strongest() -> None:
    assert runs(TEXT, "title", WORDS) == [
        Run("A <"),
        Run("striped", 1.0),
        Run("> "),
        Run("mug", -0.5),
        Run(", for "),
        Run("tea"),
        Run("."),
    ]


def test_words_of_another_text_or_field_are_left_out() -> None:
    assert runs("A mug", "title", WORDS) == [Run("A mug")]
    assert runs(TEXT, "description", WORDS) == [Run(TEXT)]


def test_the_page_shows_text_picture_and_history() -> None:
    page = render_explanation(item())
    assert 'A &lt;<mark style="--strength:1.0">striped</mark>&gt; <mark class="against"' in page
    assert "data:image/webp;base64," in page
    assert page.count('<span class="box') == 2
    assert "--left:0.0;--top:0.25;--width:0.5;--height:0.75;--strength:1.0" in page
    assert "A &lt;cup&gt;" in page
    assert "bowl" in page
    assert "Close to “Cup”." in page


@pytest.mark.parametrize(("fit", "said"), [(1.0, False), (0.95, True)])
def test_the_page_says_what_is_an_approximation(fit: float, said: bool) -> None:
    assert ("cosine 0.950" in render_explanation(item(fit=fit))) == said


def test_without_words_and_regions_there_is_still_a_page() -> None:
    page = render_explanation(ExplainedItem("ada", Explanation("mug", 0.1, -2.0)))
    assert "<mark" not in page
    assert "probability 0.100" in page
