"""The verb train."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modalmesh.cli import jobs
from modalmesh.cli.options import address, as_json, example, mesh_home, namespace, put_out

if TYPE_CHECKING:
    from rich.console import RenderableType

_MODULE = "modalmesh_services.fusion_ranker.training"


@click.command(
    epilog=example(
        "modalmesh train data/movielens-posters --out films.bundle\n"
        "modalmesh train shop --out shop.bundle --system MultiModalAttention --epochs 5\n"
        "modalmesh up --bundle films.bundle"
    )
)
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    metavar="BUNDLE",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder that the trained ranker becomes; another bundle there is replaced.",
)
@click.option(
    "--system",
    metavar="NAME|FILE.toml",
    help="What learns: a system by name, or a file that changes one. [default: modalmesh]",
)
@click.option("--epochs", type=click.IntRange(min=1), help="How often to go through the data, at most.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="The same seed gives the same bundle.")
@click.option("--device", help="auto, cpu or cuda:N. [default: auto]")
@address
@namespace
@as_json
def train(
    folder: Path,
    out: Path,
    system: str | None,
    epochs: int | None,
    seed: int | None,
    device: str | None,
    address: str | None,
    namespace: str,
    as_json: bool,
) -> None:
    """Train a ranker on the data folder DIR.

    Vectors of texts and pictures come from the mesh, which must have DIR's items; where no mesh is up, one is started
    for it, takes DIR in, and is stopped. Interrupted, the same command goes on from where it was.
    """
    options = {"--system": system, "--epochs": epochs, "--seed": seed, "--device": device}
    mesh = {"--address": address, "--namespace": namespace}
    document = jobs.run(_MODULE, folder, {"--out": out, "--home": mesh_home(), **options, **mesh})
    put_out(document, as_json, lambda: _view(document))
    if not as_json:
        # Not by rich, which would break a long path into lines.
        click.echo(f"the bundle: {document['bundle']}; its curves: {Path(document['bundle']) / 'report.html'}")


def _view(document: dict[str, Any]) -> "RenderableType":
    from modalmesh.cli.views import training_view

    return training_view(document)
