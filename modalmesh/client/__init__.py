"""The client of a mesh, sync and async. modalmesh.client.calls describes the calls, once for both."""

from modalmesh.client.asynchronous import AsyncClient
from modalmesh.client.synchronous import Client

__all__ = ["AsyncClient", "Client"]
