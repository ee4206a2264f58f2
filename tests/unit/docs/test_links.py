"""A dead link in the docs is a defect."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# [text](target), ![alt](target), [text]: target, src="target"; code is left out before.
LINKS = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s+(\S+)|(?:src|href)=\"([^\"]+)\"", re.MULTILINE)
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]+`", re.MULTILINE | re.DOTALL)
ELSEWHERE = ("http://", "https://", "mailto:")


def documents() -> list[Path]:
    folders = [ROOT / name for name in ("docs", "deploy", "examples", ".github")]
    return sorted([*ROOT.glob("*.md"), *(path for folder in folders for path in folder.rglob("*.md"))])


def links(document: Path) -> Iterator[str]:
    for match in LINKS.finditer(CODE.sub("", document.read_text(encoding="utf-8"))):
        target = next(group for group in match.groups() if group)
        if not target.startswith(ELSEWHERE):
            yield target


def anchors(document: Path) -> set[str]:
    """Headings as a forge links to them: lower case, punctuation dropped, blanks as hyphens."""
    headings = re.findall(r"^#+\s+(.+?)\s*$", CODE.sub(_plain, document.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _plain(code: re.Match[str]) -> str:
    """A heading keeps the words of its code; a block has no headings."""
    return "" if code.group(1) else code.group(0).strip("`")


def dead(document: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    goal = (document.parent / path).resolve() if path else document
    return not goal.exists() or (bool(anchor) and goal.suffix == ".md" and anchor not in anchors(goal))


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere_inside_the_project(document: Path) -> None:
    targets = list(links(document))
    assert [target for target in targets if dead(document, target)] == []
    assert all((document.parent / target.partition("#")[0]).resolve().is_relative_to(ROOT) for target in targets)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (tmp_path / "there.md").write_text("# A title, with `code`\n\n```\n# no heading\n```\n")
    return tmp_path / "page.md"


@pytest.mark.parametrize("target", ["gone.md", "there.md#gone", "there.md#no-heading", "#gone", "images/gone.png"])
def test_a_dead_link_is_found(page: Path, target: str) -> None:
    page.write_text(f"See [this]({target}).\n")
    assert [dead(page, link) for link in links(page)] == [True]


@pytest.mark.parametrize(
    "text", ["[a](there.md)", "[a](there.md#a-title-with-code)", "[a](https://example.org)", "`[a](gone.md)`"]
)
def test_a_live_link_is_left_alone(page: Path, text: str) -> None:
    page.write_text(text)
    assert not any(dead(page, link) for link in links(page))
