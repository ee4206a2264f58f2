"""The verb status."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from modalmesh.cli.failures import of_error
from modalmesh.cli.lifecycle import mesh_document
from modalmesh.cli.options import address, as_json, example, find_address, local_mesh, open_client, put_out
from modalmesh.errors import ModalmeshError

if TYPE_CHECKING:
    from modalmesh.types import Status


@click.command(epilog=example("modalmesh status\nmodalmesh status --address mesh.example:50050 --json"))
@address
@as_json
def status(address: str | None, as_json: bool) -> int:
    """How a mesh is: services, models, store, catalogues, cache.

    Exits with 1 where no gateway answers.
    """
    where = find_address(address)
    state = local_mesh()
    mesh = mesh_document(state) if state and state.address == where else None
    gateway: Status | None = None
    error: ModalmeshError | None = None
    try:
        with open_client(where) as client:
            gateway = client.status()
    except ModalmeshError as raised:
        error = raised
    document = {
        "address": where,
        "mesh": mesh,
        "gateway": asdict(gateway) if gateway else None,
        "error": asdict(of_error(error)) if error else None,
    }

    def view() -> Any:
        from modalmesh.cli.status_view import status_view

        return status_view(where, mesh, gateway, str(error) if error else "")

    put_out(document, as_json, view)
    return 1 if error else 0
