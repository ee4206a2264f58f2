"""What benchmarks of the whole mesh have in common: a data folder, and a mesh of their own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from benchmarks.options import folder
from modalmesh.data_folder import DataFolder
from modalmesh.local.mesh import MeshState, start_mesh, stop_mesh
from modalmesh.local.shop import write_shop


def data_option() -> click.Option:
    return folder("--data", "A data folder. [default: the built-in shop]")


def name_of(data: Path | None) -> str:
    return data.resolve().name if data else "the built-in shop"


@contextmanager
def data_folder(data: Path | None) -> Iterator[DataFolder]:
    """That at `data`, or the built-in shop in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="modalmesh-benchmark-") as place:
        if data is None:
            write_shop(Path(place))
        yield DataFolder(data or place)


@contextmanager
def fresh_mesh(bundle: Path | None = None) -> Iterator[MeshState]:
    """A mesh in which nothing is cached, with an embedded Valkey, whatever the environment says: a store of somebody's
    would be filled.
    """
    with tempfile.TemporaryDirectory(prefix="modalmesh-benchmark-") as home:
        state = start_mesh(Path(home), redis_url="", bundle=bundle)
        try:
            yield state
        finally:
            stop_mesh(Path(home))
