"""`python -m modalmesh_services.fine_tuning DIR --out WEIGHTS ...`: what `modalmesh fine-tune` runs.

On stdout a JSON document a line: {"work": ...} and {"epoch": ...} as it goes, {"result": ...} or {"error": ...} last.
"""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from modalmesh.errors import InvalidInput, ModalmeshError
from modalmesh.types import Modality
from modalmesh_services.fine_tuning.layers import Layers
from modalmesh_services.fine_tuning.running import Order, Tell, run
from modalmesh_services.fine_tuning.training import Schedule

_INTERRUPTED = 130


def _say(kind: str, content: Any) -> None:
    sys.stdout.write(json.dumps({kind: content}, ensure_ascii=False) + "\n")
    sys.stdout.flush()


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--modality", required=True, type=click.Choice(["text", "image"]))
@click.option("--layers", required=True)
@click.option("--model", default="packaged")
@click.option("--weights", default="")
@click.option("--epochs", default=5, type=click.IntRange(1))
@click.option("--seed", default=0, type=click.IntRange(0))
@click.option("--learning-rate", default=0.0, type=click.FloatRange(0.0))
@click.option("--windows", default=1024, type=click.IntRange(1))
@click.option("--device", default="auto")
def main(
    folder: Path,
    out: Path,
    modality: Modality,
    layers: str,
    model: str,
    weights: str,
    epochs: int,
    seed: int,
    learning_rate: float,
    windows: int,
    device: str,
) -> None:
    """Train an encoder further on what users liked."""
    schedule = Schedule(epochs, learning_rate, seed, windows)
    tell = Tell(
        work=lambda what, done, total: _say("work", {"what": what, "done": done, "of": total}),
        epoch=lambda epoch: _say("epoch", asdict(epoch)),
    )
    try:
        order = Order(folder, out, modality, Layers.parse(layers), model, weights, device, schedule)
        _say("result", run(order, tell))
    except InvalidInput as error:
        _fail(error.reason, error.field, error.detail)
    except ModalmeshError as error:
        _fail(error.reason, "", error.message)
    except BrokenPipeError:
        # Whoever wanted this has gone; what an epoch left behind is there for the next time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (OSError, ValueError) as error:
        _fail("MODEL_FAILED", "", str(error))


def _fail(reason: str, field: str, message: str) -> None:
    _say("error", {"reason": reason, "field": field, "message": message})
    sys.exit(1)


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except click.Abort:
        sys.exit(_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
