"""What several verbs have in common: options, the mesh to talk to, and how a result is put out."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from modalmesh.errors import InvalidInput, NotFound
from modalmesh.tls import ENVIRONMENT, Tls, tls_or_none

if TYPE_CHECKING:
    from rich.console import RenderableType

    from modalmesh.client import Client
    from modalmesh.local.mesh import MeshState

Command = TypeVar("Command", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="Put out one JSON document on stdout.")
_TLS = "modalmesh.tls"


def _keep(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    """Kept beside the verb's own options: only who opens a client wants to know."""
    context.meta.setdefault(_TLS, {})[str(parameter.name).removeprefix("tls_")] = value or ""


def _tls_option(field: str, metavar: str, text: str) -> Callable[[Command], Command]:
    return click.option(
        f"--tls-{field.replace('_', '-')}",
        metavar=metavar,
        envvar=ENVIRONMENT[field],
        expose_value=False,
        callback=_keep,
        help=f"{text} [default: {ENVIRONMENT[field]}]",
    )


def address(command: Command) -> Command:
    """Which mesh to talk to, and over which TLS."""
    for option in (
        _tls_option("server_name", "NAME", "The name in its certificate, where the address has another."),
        _tls_option("key", "FILE", "The key of that certificate."),
        _tls_option("certificate", "FILE", "Your own certificate, where it asks for one."),
        _tls_option("ca", "FILE", "Speak TLS; the CA that signed its certificate."),
        click.option("--address", metavar="HOST:PORT", help="A mesh's gateway. [default: the mesh of MODALMESH_HOME]"),
    ):
        command = option(command)
    return command


namespace = click.option("--namespace", metavar="NAME", default="default", show_default=True, help="The catalogue.")
count = click.option(
    "-k", "k", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many items to list."
)


def asking(command: Command) -> Command:
    """The options of a verb that asks a mesh about a namespace."""
    return address(namespace(as_json(command)))


def example(text: str) -> str:
    r"""An epilog that click leaves as it is (\b)."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in text.splitlines())


def mesh_home() -> Path:
    """Where this user's mesh keeps its state."""
    return Path(os.environ.get("MODALMESH_HOME") or "~/.modalmesh").expanduser()


def local_mesh() -> "MeshState | None":
    """The mesh of MODALMESH_HOME; none where the parts to run one aren't installed."""
    if not mesh_home().is_dir():
        return None
    try:
        from modalmesh.local.mesh import read_state
    except ModuleNotFoundError:
        return None
    return read_state(mesh_home())


def find_address(given: str | None) -> str:
    """Raises:
    NotFound: no address was given and no mesh is up here.
    """
    if given:
        return given
    if state := local_mesh():
        return state.address
    raise NotFound(
        f"no mesh is up in {mesh_home()}: start one with `modalmesh up --detach`, or name one with --address",
        reason="NO_MESH",
    )


def given_tls() -> Tls | None:
    """What the options of the verb that runs say, or their environment variables; none is plaintext.

    Raises:
        click.BadParameter: a file can't be used.
    """
    context = click.get_current_context()
    tls = tls_or_none(context.meta.get(_TLS, {}))
    try:
        if tls:
            tls.check()
    except InvalidInput as error:
        option = f"--tls-{error.field}"
        raise click.BadParameter(f"{error.detail} ({ENVIRONMENT[error.field]})", context, param_hint=option) from error
    return tls


def open_client(given_address: str | None, namespace_name: str = "default") -> "Client":
    # What gRPC itself has to say of a failed handshake; the error says it better.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from modalmesh.client import Client

    return Client(find_address(given_address), namespace_name, tls=given_tls())


def put_out(document: Any, as_json_document: bool, view: Callable[[], "RenderableType"]) -> None:
    """A verb's result: the document as it is, or its view for people."""
    if as_json_document:
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
        return
    from rich.console import Console

    Console().print(view())
