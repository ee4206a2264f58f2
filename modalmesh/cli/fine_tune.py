"""The verb fine-tune."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modalmesh.cli import jobs
from modalmesh.cli.options import as_json, example, put_out

if TYPE_CHECKING:
    from rich.console import RenderableType

_MODULE = "modalmesh_services.fine_tuning"
_EXAMPLES = """modalmesh fine-tune shop --modality image --layers last:2 --out weights
modalmesh fine-tune films --modality text --layers none --out weights --epochs 3 --json"""


def _layers(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not re.fullmatch(r"none|all|last:[1-9][0-9]*", value):
        raise click.BadParameter(f"{value!r} is not none, last:N or all")
    return value


@click.command("fine-tune", epilog=example(_EXAMPLES))
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--modality", type=click.Choice(["text", "image"]), required=True, help="Which encoder is trained.")
@click.option(
    "--layers",
    metavar="none|last:N|all",
    callback=_layers,
    required=True,
    help="What of it: nothing but a new linear head, its last N layers, or all.",
)
@click.option(
    "--out",
    metavar="WEIGHTS",
    type=click.Path(path_type=Path),
    required=True,
    help="Where the new folder of weights goes.",
)
@click.option(
    "--model", metavar="MODEL", default="packaged", show_default=True, help="The base, as the encoder's --model."
)
@click.option("--weights", metavar="PATH", default="", help="A torchvision base's weights, as the encoder's --weights.")
@click.option("--epochs", type=click.IntRange(1), default=5, show_default=True, help="Most epochs.")
@click.option(
    "--windows",
    type=click.IntRange(1),
    default=1024,
    show_default=True,
    help="Most stretches of up to 6 likes that an epoch has.",
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(0, min_open=True),
    help="[default: 1e-3 for a head, 5e-5 for layers]",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="The same gives the same weights.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda:N.")
@as_json
def fine_tune(folder: Path, out: Path, as_json: bool, **options: Any) -> None:
    """Train an encoder further on what the users of the data folder DIR liked.

    WEIGHTS is a folder that the encoder service loads by --model, under a fingerprint of its own. Interrupted, the same
    command goes on behind the last whole epoch.
    """
    given = {f"--{name.replace('_', '-')}": value for name, value in options.items() if value != ""}
    document = jobs.run(_MODULE, folder, {"--out": out, **given})
    put_out(document, as_json, lambda: _view(document))
    if not as_json:
        # Not by rich, which would break a long path into lines.
        click.echo(f"the weights: {document['weights']}")


def _view(document: dict[str, Any]) -> "RenderableType":
    from rich.console import Group
    from rich.markup import escape
    from rich.text import Text

    model, base = document["model"], document["base"]
    lines = [
        f"{document['items']:,} items, {document['users']:,} users; epoch {document['best_epoch']} of "
        f"{len(document['epochs'])} is kept",
        f"fingerprint {model['fingerprint']} (base {base['name']}: {base['fingerprint']}), {model['build']}",
    ]
    if document["base_auc"] is not None:
        auc = document["epochs"][document["best_epoch"] - 1]["auc"]
        lines.append(f"AUC of held-out items {auc:.4f}, base {document['base_auc']:.4f}")
    return Group(*lines, *(Text(escape(line), "yellow") for line in document["consequences"]))
