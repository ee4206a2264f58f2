"""The report of a training."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from modalmesh_services.fusion_ranker.bundle import Learned
from modalmesh_services.fusion_ranker.systems.interface import Step
from modalmesh_services.fusion_ranker.training.curves import Curves
from modalmesh_services.fusion_ranker.training.drawing import curve
from modalmesh_services.fusion_ranker.training.page import page
from tests.unit.fusion_ranker.worlds import ENCODERS

LEARNED = Learned("modalmesh", 1, {"epochs": 3, "history": {"kind": "<gru>"}}, "d1")
STEPS = [Step("warm", epoch, 3, loss=1 / epoch, validation=0.1 * epoch) for epoch in (1, 2, 3)]


def curves(*steps: Step) -> Curves:
    made = Curves()
    for step in steps:
        made.add(step)
    return made


def drawn(text: str) -> list[list[tuple[float, float]]]:
    """The points of each curve of a page."""
    lines = re.findall(r'<polyline points="([^"]+)"', text)
    return [[(float(x), float(y)) for x, y in (point.split(",") for point in line.split())] for line in lines]


class Balanced(HTMLParser):
    """Fails where a tag is closed that isn't open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_it_draws_loss_and_validation_of_every_stage() -> None:
    text = page(LEARNED, ENCODERS, curves(*STEPS, Step("cold", 1, 1, loss=0.5)), {"items": 1234}, ())
    loss, validation, cold = drawn(text)
    assert [y for _, y in loss] == sorted(y for _, y in loss)
    assert [y for _, y in validation] == sorted((y for _, y in validation), reverse=True)
    assert len(cold) == 1
    assert "ndcg@10 on the validation slice: 0.3 at the end" in text
    assert "1,234" in text


def test_it_is_whole_and_escapes_what_it_shows() -> None:
    text = page(LEARNED, ENCODERS, curves(*STEPS), {"items": 1}, ("No item <b>has</b> a picture.",))
    checked = Balanced()
    checked.feed(text)
    assert checked.open == []
    assert "history.kind" in text
    assert "&lt;gru&gt;" in text
    assert "&lt;b&gt;has" in text


def test_a_training_without_steps_says_so() -> None:
    assert "told no steps" in page(LEARNED, ENCODERS, curves(), {}, ())
    assert "told no steps" in page(LEARNED, ENCODERS, curves(Step("fit", 1, 1)), {}, ())


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5, 0.5], [0.1, 0.9], [-3.0, 4e9]])
def test_a_curve_stays_within_its_picture(values: list[float]) -> None:
    ((points),) = drawn(curve("loss", range(1, len(values) + 1), values))
    assert len(points) == len(values)
    assert all(0 <= x <= 420 and 0 <= y <= 180 for x, y in points)


def test_a_line_that_an_interruption_has_torn_is_left_out(tmp_path: Path) -> None:
    kept = Curves(tmp_path / "steps.jsonl")
    for step in STEPS:
        kept.add(step)
    whole = (tmp_path / "steps.jsonl").read_text()
    (tmp_path / "steps.jsonl").write_text(whole[:-20])
    assert Curves(tmp_path / "steps.jsonl").steps == STEPS[:2]
