"""`python -m modalmesh_services.fusion_ranker.evaluation DIR`: what `modalmesh evaluate` runs.

Progress and the result are lines of JSON on stdout: see job.lines. The result is that of documents.py, with `report`,
the page's path, and `consequences`, sentences about what the figures don't mean.
"""

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from modalmesh.errors import ModelMismatch
from modalmesh_services.fusion_ranker.bundle import Encoders, read_bundle
from modalmesh_services.fusion_ranker.dataset.reading import read_interactions
from modalmesh_services.fusion_ranker.evaluation.bundles import measure_bundle
from modalmesh_services.fusion_ranker.evaluation.choosing import chosen_plan
from modalmesh_services.fusion_ranker.evaluation.documents import document
from modalmesh_services.fusion_ranker.evaluation.options import FOLDER, measuring
from modalmesh_services.fusion_ranker.evaluation.report.page import write_report
from modalmesh_services.fusion_ranker.evaluation.results import Evaluation
from modalmesh_services.fusion_ranker.evaluation.runner import Runner
from modalmesh_services.fusion_ranker.evaluation.store import Store
from modalmesh_services.fusion_ranker.job.data import Source, prepare
from modalmesh_services.fusion_ranker.job.lines import Lines
from modalmesh_services.fusion_ranker.job.running import run
from modalmesh_services.fusion_ranker.systems import kind_of


@click.command(epilog="Example: python -m modalmesh_services.fusion_ranker.evaluation films --protocol users")
@click.argument("folder", type=FOLDER)
@click.option("--system", "systems", multiple=True, help="a name or a TOML file; default: the default and baselines")
@click.option("--protocol", "protocols", multiple=True, help="default: all")
@click.option("--all", "with_named", is_flag=True, help="the named systems besides, under users and cold_items")
@click.option("--bundle", type=FOLDER, help="measure what was trained, on the users of --interactions")
@click.option("--interactions", type=FOLDER, help="a file as interactions.csv")
@click.option("--report", type=FOLDER, default=Path("evaluation.html"), show_default=True, help="where the page goes")
@measuring
def main(
    folder: Path,
    systems: tuple[str, ...],
    protocols: tuple[str, ...],
    with_named: bool,
    bundle: Path | None,
    interactions: Path | None,
    report: Path,
    results: Path | None,
    processes: int,
    home: Path,
    address: str | None,
    namespace: str,
) -> None:
    """Measure rankers on a data folder; what was measured before is kept and not measured again."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    if (bundle is None) != (interactions is None):
        raise click.UsageError("--bundle and --interactions go together")

    def work(lines: Lines) -> Mapping[str, Any]:
        # What is wrong is said before anything takes long.
        plan = chosen_plan(systems, protocols, with_named)
        source = Source(folder, home, namespace, address)
        if bundle and interactions:
            evaluation, consequences = _of_bundle(bundle, interactions, source, lines)
        else:
            dataset = prepare(source, lines).dataset
            runner = Runner(dataset, Store(results or home / "evaluation"), lines, processes)
            evaluation, consequences = runner.run(plan), dataset.consequences
        write_report(evaluation, folder.name, consequences, report)
        return {**document(evaluation), "consequences": list(consequences), "report": str(report)}

    sys.exit(run(work, Lines.of_stdout()))


def _of_bundle(bundle: Path, interactions: Path, source: Source, lines: Lines) -> tuple[Evaluation, Sequence[str]]:
    trained = read_bundle(bundle)
    model = kind_of(trained.learned.system).ranker(trained.parts, trained.made_for)
    prepared = prepare(source, lines)
    _check_encoders(trained.encoders, prepared.encoders)
    dataset = prepared.dataset
    asked, complaints = read_interactions(interactions, dataset.catalogue)
    if complaints:
        lines.note(f"{len(complaints):,} lines of {interactions} are left out; the first: {complaints[0].message}")
    found = measure_bundle(model, trained.learned.system, dataset, asked, lines)
    return found.evaluation, (*dataset.consequences, *found.consequences)


def _check_encoders(learned: Encoders, serving: Encoders) -> None:
    """Vectors of two spaces never meet."""
    for modality, ours, theirs in (("text", learned.text, serving.text), ("image", learned.image, serving.image)):
        if ours.fingerprint and theirs.fingerprint not in ("", ours.fingerprint):
            message = f"was trained with the {modality} encoder {ours.name}, and the mesh has vectors of {theirs.name}"
            raise ModelMismatch(f"the bundle {message} ({theirs.fingerprint})")


if __name__ == "__main__":
    main()
