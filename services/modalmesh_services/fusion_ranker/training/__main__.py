"""`python -m modalmesh_services.fusion_ranker.training DIR --out BUNDLE`: what `modalmesh train` runs.

Progress and the result are lines of JSON on stdout: see job.lines. `torchrun --nproc-per-node N -m ...` trains a system
that can do so in N processes, of a mesh that is up.
"""

import logging
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from modalmesh.errors import NotFound
from modalmesh.local.mesh import read_state
from modalmesh_services.fusion_ranker.bundle import check_writable
from modalmesh_services.fusion_ranker.job.choosing import choose
from modalmesh_services.fusion_ranker.job.data import Source, prepare
from modalmesh_services.fusion_ranker.job.lines import Lines
from modalmesh_services.fusion_ranker.job.running import run
from modalmesh_services.fusion_ranker.systems import DEFAULT
from modalmesh_services.fusion_ranker.systems.devices import training_device
from modalmesh_services.fusion_ranker.training.training import train

_FOLDER = click.Path(path_type=Path)


@click.command(epilog="Example: python -m modalmesh_services.fusion_ranker.training films --out films.bundle")
@click.argument("folder", type=_FOLDER)
@click.option("--out", type=_FOLDER, required=True, help="where the bundle goes")
@click.option("--system", default=DEFAULT, show_default=True, help="a system's name, or a TOML file")
@click.option("--epochs", type=int, help="instead of the configuration's")
@click.option("--seed", type=int, help="instead of the configuration's")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda:N")
@click.option("--home", type=_FOLDER, required=True, help="the home of a mesh, used or started")
@click.option("--address", help="a mesh's gateway, instead")
@click.option("--namespace", default="default", show_default=True, help="the catalogue")
def main(
    folder: Path,
    out: Path,
    system: str,
    epochs: int | None,
    seed: int | None,
    device: str,
    home: Path,
    address: str | None,
    namespace: str,
) -> None:
    """Train a ranker on a data folder."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")

    first, alone = os.environ.get("RANK", "0") == "0", os.environ.get("WORLD_SIZE", "1") == "1"

    def work(lines: Lines) -> Mapping[str, Any]:
        started = time.monotonic()
        # What is wrong is said before anything takes long.
        if first:
            check_writable(out)
        training_device(device)
        if not alone and not address and read_state(home) is None:
            raise NotFound(f"several processes need a mesh that is up: none is in {home}", reason="NO_MESH")
        changes = {name: value for name, value in (("epochs", epochs), ("seed", seed)) if value is not None}
        chosen = choose(system, changes)
        prepared = prepare(Source(folder, home, namespace, address), lines)
        outcome = train(prepared, chosen, out, lines, device=device, first=first)
        if outcome is None:
            return {}
        seconds = round(time.monotonic() - started, 2)
        return {"bundle": str(out), "system": chosen.base, **asdict(outcome), "seconds": seconds}

    with Path(os.devnull).open("w") as nowhere:
        sys.exit(run(work, Lines.of_stdout() if first else Lines(nowhere)))


if __name__ == "__main__":
    main()
