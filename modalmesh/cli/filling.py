"""The verb ingest."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modalmesh.cli.options import asking, example, open_client, put_out

if TYPE_CHECKING:
    from modalmesh.ingest import IngestSummary


@click.command(epilog=example("modalmesh ingest data/movielens-posters\nmodalmesh ingest shop --namespace shop --json"))
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@asking
def ingest(folder: Path, address: str | None, namespace: str, as_json: bool) -> int:
    """Put the data folder DIR into a mesh.

    Bad lines are listed with their number and reason, all others go in. Exits with 1 where nothing of a file could
    be used.
    """
    from modalmesh.cli.progress import FileProgress
    from modalmesh.ingest import ingest as send

    with open_client(address, namespace) as client, FileProgress() as progress:
        summary = send(client, folder, progress)
    put_out(_document(summary), as_json, lambda: _view(summary, folder))
    nothing = summary.failed > 0 and not summary.items and not summary.events
    return 1 if nothing or summary.unusable_files else 0


def _document(summary: "IngestSummary") -> dict[str, Any]:
    document = asdict(summary)
    document["encoded"] = {"text": document.pop("encoded_texts"), "image": document.pop("encoded_images")}
    document["seconds"] = round(summary.seconds, 3)
    return document


def _view(summary: "IngestSummary", folder: Path) -> Any:
    from modalmesh.cli.views import ingest_view

    return ingest_view(summary, str(folder))
