"""The verb evaluate."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modalmesh.cli import jobs
from modalmesh.cli.options import address, as_json, example, mesh_home, namespace, put_out

if TYPE_CHECKING:
    from rich.console import RenderableType

_MODULE = "modalmesh_services.fusion_ranker.evaluation"


@click.command(
    epilog=example(
        "modalmesh evaluate data/movielens-posters\n"
        "modalmesh evaluate shop --system modalmesh --system ease --protocol users --json\n"
        "modalmesh evaluate films --bundle films.bundle --interactions new-users.csv"
    )
)
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--system",
    "systems",
    metavar="NAME|FILE.toml",
    multiple=True,
    help="What is measured, as often as you like. [default: modalmesh and every baseline]",
)
@click.option(
    "--protocol", "protocols", metavar="NAME", multiple=True, help="How, as often as you like. [default: all of them]"
)
@click.option(
    "--all", "every", is_flag=True, help="Measure the named neural systems too, under users and cold_items alone."
)
@click.option(
    "--bundle",
    metavar="BUNDLE",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Train nothing: measure what `modalmesh train` wrote, on the users of --interactions.",
)
@click.option(
    "--interactions",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Users and what they did, as DIR/interactions.csv, for --bundle.",
)
@click.option(
    "--report",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("evaluation.html"),
    show_default=True,
    help="Where the page with tables and plots goes.",
)
@address
@namespace
@as_json
def evaluate(
    folder: Path,
    systems: tuple[str, ...],
    protocols: tuple[str, ...],
    every: bool,
    bundle: Path | None,
    interactions: Path | None,
    report: Path,
    address: str | None,
    namespace: str,
    as_json: bool,
) -> None:
    """Measure rankers on the data folder DIR.

    Each fit is kept, so that what was interrupted goes on, and what was measured is not measured again. The vectors
    come from a mesh as for `modalmesh train`.
    """
    _check_use(systems, protocols, every, bundle, interactions)
    paths = {"--bundle": bundle, "--interactions": interactions, "--report": report}
    options = {**paths, "--address": address, "--namespace": namespace, "--home": mesh_home()}
    words = [
        *(word for name in systems for word in ("--system", name)),
        *(word for name in protocols for word in ("--protocol", name)),
        *(["--all"] if every else []),
    ]
    document = jobs.run(_MODULE, folder, options, words)
    put_out(document, as_json, lambda: _view(document))
    if not as_json:
        # Not by rich, which would break a long path into lines.
        click.echo(f"the report: {document['report']}")


def _check_use(
    systems: tuple[str, ...], protocols: tuple[str, ...], every: bool, bundle: Path | None, interactions: Path | None
) -> None:
    context = click.get_current_context()
    if (bundle is None) != (interactions is None):
        raise click.UsageError("--bundle and --interactions go together", context)
    if bundle and (systems or protocols or every):
        raise click.UsageError("--bundle is measured under users alone, and beside EASE and popularity", context)


def _view(document: dict[str, Any]) -> "RenderableType":
    from modalmesh.cli.evaluation_view import evaluation_view

    return evaluation_view(document)
