"""The version is said in pyproject.toml; whoever must repeat it says the same."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import modalmesh

ROOT = Path(__file__).parents[3]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
# Images' tags, which no tool reads from elsewhere.
TAG = re.compile(r"(?:MODALMESH_VERSION:-|newTag: \"?|ARG VERSION=)(\d+\.\d+\.\d+)")
FILES = [
    path
    for pattern in ("Dockerfile", "docker-compose.yml", "deploy/**/*.y*ml")
    for path in sorted(ROOT.glob(pattern))
    if TAG.search(path.read_text())
]


def test_the_package_says_its_version() -> None:
    assert modalmesh.__version__ == version("modalmesh") == VERSION


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_images_are_tagged_with_it(path: Path) -> None:
    assert set(TAG.findall(path.read_text())) == {VERSION}


def test_the_contract_of_this_version_is_kept() -> None:
    assert (ROOT / "protos" / "released" / f"modalmesh-{VERSION}.binpb").exists()
