"""The verbs up and down."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modalmesh.cli.options import as_json, example, mesh_home, put_out

if TYPE_CHECKING:
    from modalmesh.local.mesh import MeshState


@click.command(
    epilog=example(
        "modalmesh up --detach\nmodalmesh up --bundle films.bundle\n"
        "MODALMESH_HOME=/tmp/second modalmesh up --port 50051"
    )
)
@click.option("--detach", is_flag=True, help="Return when all is serving, and leave it running.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=50050,
    show_default=True,
    help="The gateway's port; 0 takes a free one.",
)
@click.option(
    "--bundle",
    metavar="BUNDLE",
    envvar="MODALMESH_BUNDLE",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="What `modalmesh train` wrote, to rank by. [default: MODALMESH_BUNDLE, or zero-shot, which needs no training]",
)
@as_json
def up(detach: bool, port: int, bundle: Path | None, as_json: bool) -> None:
    """Start a mesh on this machine.

    Four services and an embedded Valkey, which are started again when they die. Their state is under MODALMESH_HOME
    (default ~/.modalmesh). MODALMESH_REDIS_URL uses a Redis of yours instead of the embedded one. Without --detach
    it runs until Ctrl-C.
    """
    from rich.console import Console

    from modalmesh.local.mesh import run_mesh, start_mesh

    def tell(state: "MeshState") -> None:
        waiting.stop()
        put_out(mesh_document(state), as_json, lambda: _up_view(state, detach))

    with Console(stderr=True).status("starting the mesh: models are loaded and warmed") as waiting:
        if detach:
            tell(start_mesh(mesh_home(), port, bundle=bundle))
        else:
            run_mesh(mesh_home(), port, serving=tell, bundle=bundle)


@click.command(epilog=example("modalmesh down"))
@as_json
def down(as_json: bool) -> None:
    """Stop the mesh of MODALMESH_HOME; what it stored stays."""
    from modalmesh.local.mesh import stop_mesh

    home = mesh_home()
    stopped = stop_mesh(home)
    sentence = f"the mesh of {home} is down" if stopped else f"no mesh was up in {home}"
    put_out({"home": str(home), "stopped": stopped}, as_json, lambda: sentence)


def mesh_document(state: "MeshState") -> dict[str, Any]:
    """What is known of a mesh on this machine, as JSON."""
    return {
        "address": state.address,
        "home": str(state.home),
        "supervisor_pid": state.supervisor_pid,
        "children": [
            {
                "name": child.name,
                "pid": child.pid,
                "address": child.address,
                "state": child.state,
                "restarts": child.restarts,
                "last_exit": child.last_exit,
            }
            for child in state.children
        ],
    }


def _up_view(state: "MeshState", detach: bool) -> str:
    end = "`modalmesh down` stops it" if detach else "Ctrl-C stops it"
    return f"[bold green]the mesh is up[/] at [cyan]{state.address}[/]: {end}, `modalmesh status` shows it"
