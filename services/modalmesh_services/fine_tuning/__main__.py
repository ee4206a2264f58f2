"""`python -m modalmesh_services.fine_tuning DIR --out WEIGHTS ...`: what `modalmesh fine-tune` runs.

Progress and the result are lines of JSON on stdout: see fusion_ranker.job.lines.
"""

import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from modalmesh.types import Modality
from modalmesh_services.fine_tuning.layers import Layers
from modalmesh_services.fine_tuning.running import Order, Tell, fine_tune
from modalmesh_services.fine_tuning.training import Schedule
from modalmesh_services.fusion_ranker.job.lines import Lines
from modalmesh_services.fusion_ranker.job.running import run


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
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")

    def work(lines: Lines) -> Mapping[str, Any]:
        schedule = Schedule(epochs, learning_rate, seed, windows)
        order = Order(folder, out, modality, Layers.parse(layers), model, weights, device, schedule)
        return fine_tune(order, Tell(lines.note, lines.progress, lines.step))

    sys.exit(run(work, Lines.of_stdout()))


if __name__ == "__main__":
    main()
