"""The page: self-contained, escaped, complete, and readable by machines that read pages to people."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from modalmesh.local.report import Card, Lived, Person, Recommended, ReportData, check_writable, render, write_report
from modalmesh.types import SignalShare

VOID = {"meta", "img", "br", "link", "input", "hr"}
HOSTILE = "<script>alert(1)</script>\"' onerror=x & </style></title>"


class _Page(HTMLParser):
    """Tags with their attributes, the visible text, and whether tags close in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.text += data

    def values(self, tag: str, attribute: str) -> list[str | None]:
        return [attributes.get(attribute) for name, attributes in self.tags if name == tag]


def test_nothing_is_fetched_and_nothing_runs(data: ReportData) -> None:
    page = re.sub(r"data:image/webp;base64,[A-Za-z0-9+/=]*", "data:image/webp;base64,", render(data))
    assert not re.search(r"https?:|//[a-z]|@import|url\(|<script|<link|<iframe|\son\w+=", page)
    assert all((source or "").startswith("data:image/webp;base64,") for source in _Page(page).values("img", "src"))


def test_everything_given_is_on_the_page(data: ReportData) -> None:
    text = _Page(render(data)).text
    wanted = ["1,345", "1,170", "Summit Mug", "Inkwell Table Lamp", "Buys by eye.", "1 of 1", "97 %", "11 %", "14.2 s"]
    wanted += ["912", "22", "384 numbers", "line 3, title: is too long", "7 complaints", "text-encoder"]
    wanted += ["−10 %", "70 %", "with a clip", "For long letters."]
    assert [each for each in wanted if each not in text] == []


def test_tags_close_in_order_and_headings_come_once(data: ReportData) -> None:
    tags = Counter(tag for tag, _ in _Page(render(data)).tags)
    assert (tags["h1"], tags["main"], tags["title"]) == (1, 1, 1)


def test_every_id_is_unique_and_every_label_exists(data: ReportData) -> None:
    page = _Page(render(replace(data, people=[*data.people] * 3)))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    labels = {attributes["aria-labelledby"] for _, attributes in page.tags if "aria-labelledby" in attributes}
    assert len(set(ids)) == len(ids)
    assert labels <= set(ids)


def test_pictures_have_alternative_texts(data: ReportData) -> None:
    page = _Page(render(data))
    assert None not in page.values("img", "alt")
    # Where the title stands beside the picture, saying it twice would only hold up.
    assert set(page.values("img", "alt")) == {"", "Summit Mug"}


@pytest.mark.parametrize("place", ["title", "id", "user", "note", "source", "complaint", "signal", "sentence"])
def test_hostile_words_stay_words(data: ReportData, mug: Card, place: str) -> None:
    person = data.people[0]
    card = {"title": replace(mug, title=HOSTILE), "id": Card(HOSTILE)}.get(place, mug)
    recommended = replace(person.recommended[0], card=card, decisive=(card,))
    changes: dict[str, ReportData] = {
        "user": replace(data, people=(replace(person, user_id=HOSTILE),)),
        "note": replace(data, people=(replace(person, note=HOSTILE),)),
        "source": replace(data, source=HOSTILE, is_shop=False),
        "complaint": replace(data, complaints=(HOSTILE,)),
        "signal": replace(data, people=(replace(person, counted=(SignalShare(HOSTILE, 1, 1),)),)),
        "sentence": replace(data, people=(replace(person, recommended=(replace(recommended, sentence=HOSTILE),)),)),
    }
    person = replace(person, history=(Lived(card),), recommended=(recommended,))
    page = _Page(render(changes.get(place, replace(data, people=(person,)))))
    assert "script" not in {tag for tag, _ in page.tags}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in page.text


def test_an_item_without_a_picture_shows_its_words_instead(data: ReportData) -> None:
    assert "no pictureFor long letters." in _Page(render(data)).text


def test_an_item_without_a_title_shows_its_id(data: ReportData) -> None:
    person = replace(data.people[0], history=(Lived(Card("shirt-06")),))
    assert "shirt-06 no text" in _Page(render(replace(data, people=(person,)))).text


def test_what_is_unknown_leaves_no_empty_sections(data: ReportData) -> None:
    bare = ReportData(source="films", is_shop=False, items=0, users=0, events=0, people=())
    page = _Page(render(bare))
    assert "films" in page.text
    assert not {"table", "article", "details", "h3"} & {tag for tag, _ in page.tags}


@pytest.mark.parametrize(("text", "shown"), [(0.3, True), (0.1, False), (-0.3, False)])
def test_what_an_item_says_is_shown_where_it_spoke_for_it(
    data: ReportData, mug: Card, text: float, shown: bool
) -> None:
    reasons = (SignalShare("text", text, abs(text)), SignalShare("image", 0.7, 0.7))
    person = replace(data.people[0], recommended=(Recommended(mug, 0.9, signals=reasons),))
    bare = replace(data, people=(person,), likenesses=())
    assert ('<p class="words">For tea at the top.</p>' in render(bare)) is shown


def _counting(person: Person, **shares: float) -> Person:
    return replace(person, user_id="-".join(shares), counted=[SignalShare(*pair, pair[1]) for pair in shares.items()])


def test_at_a_glance_one_each_chooses_by_eye_by_reading_and_by_both(data: ReportData) -> None:
    ada = data.people[0]
    reader, looker = _counting(ada, text=0.9, image=0.1), _counting(ada, image=0.8, popularity=0.2)
    people = (reader, _counting(ada, popularity=1.0), reader, looker, _counting(ada, text=0.5, image=0.5))
    text = _Page(render(replace(data, people=people))).text
    assert re.findall(r"(\S+) chooses (by \w+)", text) == [
        ("image-popularity", "by eye"),
        ("text-image", "by reading"),
        ("text-image", "by both"),
    ]


def test_where_all_choose_alike_there_is_no_glance(data: ReportData) -> None:
    assert "chooses" not in _Page(render(replace(data, people=[*data.people] * 3))).text


@pytest.mark.parametrize(
    ("user_id", "shown"), [("414", "User 414"), ("ada", "Ada"), ("iPhone", "iPhone"), ("a1", "a1")]
)
def test_a_user_is_called_as_somebody_would_be(data: ReportData, user_id: str, shown: str) -> None:
    person = replace(data.people[0], user_id=user_id)
    assert f'<h2 id="person-1">{shown}</h2>' in render(replace(data, people=(person,)))


def test_a_bar_is_told_to_those_who_do_not_see_it(data: ReportData) -> None:
    assert 'aria-label="text 20 %, picture 70 %, popularity −10 %"' in render(data)


def test_a_user_without_a_history_is_shown_with_what_is_popular(data: ReportData) -> None:
    person = replace(data.people[0], history=(), liked=0, counted=(), note="", to_taste=None)
    text = _Page(render(replace(data, people=(person,)))).text
    assert "Nothing yet." in text
    assert "Inkwell Table Lamp" in text


def test_a_signal_that_spoke_against_is_told_apart(data: ReportData) -> None:
    page = render(data)
    assert '<div class="popularity against">' in page
    assert '<div class="image">' in page
    assert '<i class="popularity against"' in page


def test_an_unknown_signal_keeps_its_name(data: ReportData) -> None:
    person = replace(data.people[0], counted=(SignalShare("weather", 1.0, 1.0),))
    page = render(replace(data, people=(person,)))
    assert re.search(r'<div class="other">\s*<dt>weather</dt>', page)


def test_the_page_knows_light_and_dark(data: ReportData) -> None:
    assert "prefers-color-scheme: dark" in render(data)


def test_many_users_and_long_titles_stay_a_small_page(data: ReportData, mug: Card) -> None:
    long = replace(mug, title="A very long title that goes on and on, " * 6)
    recommended = replace(data.people[0].recommended[0], card=long, decisive=(mug, mug, mug))
    person = replace(data.people[0], history=(Lived(long),) * 12, recommended=(recommended,) * 8)
    assert len(render(replace(data, people=(person,) * 6))) < 3_000_000


def test_writing_replaces_an_older_report_at_once(data: ReportData, tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.html"
    for source in ("first", "second"):
        write_report(replace(data, source=source), path)
    assert "<title>second" in path.read_text("utf-8")
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]


@pytest.mark.parametrize("write", [write_report, lambda _, path: check_writable(path)])
def test_a_place_that_cannot_be_written_is_told(
    data: ReportData, tmp_path: Path, write: Callable[[ReportData, Path], None]
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        write(data, tmp_path / "file" / "report.html")


def test_a_place_is_tried_without_leaving_anything(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("an older one")
    check_writable(tmp_path / "report.html")
    assert [each.read_text() for each in tmp_path.iterdir()] == ["an older one"]


def test_a_device_is_not_replaced_by_a_report() -> None:
    with pytest.raises(OSError, match="not a regular file"):
        check_writable(Path("/dev/null"))
