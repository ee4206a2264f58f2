"""Measures the baselines on a data folder: `python -m modalmesh_services.fusion_ranker.evaluation DIR --json`."""

import json
import sys
from pathlib import Path

import click

from modalmesh.client import Client
from modalmesh.errors import ModalmeshError
from modalmesh_services.fusion_ranker.dataset.embeddings import Embeddings
from modalmesh_services.fusion_ranker.dataset.reading import Dataset, read_dataset
from modalmesh_services.fusion_ranker.evaluation.baselines import BASELINES
from modalmesh_services.fusion_ranker.evaluation.measuring import CHOSEN_BY
from modalmesh_services.fusion_ranker.evaluation.protocols import PROTOCOLS
from modalmesh_services.fusion_ranker.evaluation.results import Evaluation
from modalmesh_services.fusion_ranker.evaluation.runner import Runner
from modalmesh_services.fusion_ranker.evaluation.store import Store


def _tell(line: str) -> None:
    click.echo(line, err=True)


@click.command(epilog="Example: python -m modalmesh_services.fusion_ranker.evaluation films --protocol users --json")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--protocol", "protocols", multiple=True, type=click.Choice(list(PROTOCOLS)), help="default: all")
@click.option("--system", "systems", multiple=True, type=click.Choice(list(BASELINES)), help="default: all")
@click.option("--address", help="a mesh that has the folder's items; without one no item has a vector")
@click.option("--namespace", default="default", show_default=True)
@click.option("--results", type=click.Path(path_type=Path), default=Path(".modalmesh/evaluation"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="one JSON document on stdout")
def main(
    folder: Path,
    protocols: tuple[str, ...],
    systems: tuple[str, ...],
    address: str | None,
    namespace: str,
    results: Path,
    as_json: bool,
) -> None:
    """Measure rankers on a data folder; what was measured before is kept and not measured again."""
    try:
        dataset = _read(folder, address, namespace)
        chosen = [BASELINES[name] for name in systems or BASELINES]
        evaluation = Runner(dataset, Store(results), _tell).run(chosen, protocols or tuple(PROTOCOLS))
    except ModalmeshError as error:
        _tell(f"evaluation: {error}")
        sys.exit(1)
    click.echo(json.dumps(evaluation.document()) if as_json else _table(evaluation))


def _read(folder: Path, address: str | None, namespace: str) -> Dataset:
    embeddings = None
    if address:
        with Client(address, namespace=namespace) as client:
            embeddings = Embeddings.read(client)
    dataset = read_dataset(folder, embeddings)
    for line in dataset.consequences:
        _tell(line)
    return dataset


def _table(evaluation: Evaluation) -> str:
    return "\n".join(
        f"{protocol:24} {system:20} {CHOSEN_BY} {result.mean(CHOSEN_BY):.4f}  recall@20 {result.mean('recall@20'):.4f}"
        for protocol, systems in evaluation.protocols.items()
        for system, result in systems.items()
    )


if __name__ == "__main__":
    main()
