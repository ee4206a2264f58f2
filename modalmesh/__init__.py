"""modalmesh: multimodal recommendation as a mesh of gRPC services.

What callers need is importable from here. It is loaded when it is first used, so that the command line and
programs that want one module of the package don't pay for all.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modalmesh.client import AsyncClient, Client
    from modalmesh.data_folder import BadLine, DataFolder
    from modalmesh.errors import ModalmeshError
    from modalmesh.item_embeddings import ItemEmbeddings
    from modalmesh.tls import Tls
    from modalmesh.types import Event, Item, Picture, Video

    __version__: str

__all__ = [
    "AsyncClient",
    "BadLine",
    "Client",
    "DataFolder",
    "Event",
    "Item",
    "ItemEmbeddings",
    "ModalmeshError",
    "Picture",
    "Tls",
    "Video",
    "__version__",
]

_HOMES = {
    "AsyncClient": "modalmesh.client",
    "BadLine": "modalmesh.data_folder",
    "Client": "modalmesh.client",
    "DataFolder": "modalmesh.data_folder",
    "Event": "modalmesh.types",
    "Item": "modalmesh.types",
    "ItemEmbeddings": "modalmesh.item_embeddings",
    "ModalmeshError": "modalmesh.errors",
    "Picture": "modalmesh.types",
    "Tls": "modalmesh.tls",
    "Video": "modalmesh.types",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("modalmesh")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'modalmesh' has no attribute {name!r}")
