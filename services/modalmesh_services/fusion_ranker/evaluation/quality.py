"""`python -m modalmesh_services.fusion_ranker.evaluation.quality DIR`: measures everything, and writes docs/quality.md.

Progress and the result are lines of JSON on stdout: see job.lines. What was measured before is kept, so that it goes
on where it was interrupted.
"""

import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from modalmesh.local.pages import write_page
from modalmesh_services.fusion_ranker.evaluation.ablations import EVENTS, MODALITIES, Ablated
from modalmesh_services.fusion_ranker.evaluation.choosing import chosen_plan
from modalmesh_services.fusion_ranker.evaluation.options import FOLDER, measuring
from modalmesh_services.fusion_ranker.evaluation.plans import Plan, Renamed
from modalmesh_services.fusion_ranker.evaluation.protocols import PROTOCOLS
from modalmesh_services.fusion_ranker.evaluation.quality_page import quality_page
from modalmesh_services.fusion_ranker.evaluation.runner import Runner
from modalmesh_services.fusion_ranker.evaluation.store import Store
from modalmesh_services.fusion_ranker.job.data import Source, prepare
from modalmesh_services.fusion_ranker.job.lines import Lines
from modalmesh_services.fusion_ranker.job.running import run
from modalmesh_services.fusion_ranker.systems import DEFAULT, kind_of
from modalmesh_services.fusion_ranker.systems.interface import System

_ABLATED = ("users", "cold_items_without_tags")
"""One question of warm items and one of cold ones; tags, which tell who rated, would hide what content says."""

_SMALLER = {"with one network": {"networks": 1}}
_COMPLETED, _COMPLETIONS = "gan-completion", {"a learned token": "token", "regression": "regression", "a GAN": "gan"}
_HIDDEN = "cold_items_missing_50"


@click.command(epilog="Example: python -m modalmesh_services.fusion_ranker.evaluation.quality films")
@click.argument("folder", type=FOLDER)
@click.option("--protocol", "protocols", multiple=True, help="of the table; default: all")
@click.option("--ablated", multiple=True, type=click.Choice(list(PROTOCOLS)), default=_ABLATED, show_default=True)
@click.option("--all/--no-named", "with_named", default=True, help="the named systems besides")
@click.option("--ablations/--no-ablations", default=True, help="what each part of the default adds, and completion")
@click.option("--out", type=FOLDER, default=Path("docs/quality.md"), show_default=True)
@measuring
def main(
    folder: Path,
    protocols: tuple[str, ...],
    ablated: tuple[str, ...],
    with_named: bool,
    ablations: bool,
    out: Path,
    results: Path | None,
    processes: int,
    home: Path,
    address: str | None,
    namespace: str,
) -> None:
    """Measure the default, the baselines and the named systems, and what each part of the default adds."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")

    def work(lines: Lines) -> Mapping[str, Any]:
        plan = chosen_plan((), protocols, with_named)
        dataset = prepare(Source(folder, home, namespace, address), lines).dataset
        runner = Runner(dataset, Store(results or home / "evaluation"), lines, processes)
        whole = runner.run(plan)
        parts = runner.run(ablation_plan(ablated)) if ablations else None
        completions = runner.run(completion_plan()) if ablations else None
        write_page(quality_page(folder.name, dataset, whole, parts, completions, DEFAULT), out)
        return {"page": str(out)}

    sys.exit(run(work, Lines.of_stdout()))


def ablation_plan(protocols: tuple[str, ...]) -> Plan:
    """The default as it is, and without each of its parts."""
    package = kind_of(DEFAULT)
    default = package.system(DEFAULT)
    variants: list[System] = [
        *(Ablated(default, change) for change in (*MODALITIES, *EVENTS)),
        *(Renamed(f"{DEFAULT} {words}", package.system(DEFAULT, changes)) for words, changes in _SMALLER.items()),
    ]
    return {protocol: [default, *variants] for protocol in protocols}


def completion_plan() -> Plan:
    """One named system with each way to make what an item lacks; the learned token, the simplest, comes first."""
    package = kind_of(_COMPLETED)
    return {
        _HIDDEN: [
            Renamed(words, package.system(_COMPLETED, {"completion.kind": kind}))
            for words, kind in _COMPLETIONS.items()
        ]
    }


if __name__ == "__main__":
    main()
