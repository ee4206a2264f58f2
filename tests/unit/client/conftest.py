"""Every behaviour is tested on both clients: the async one is awaited by a loop of its own."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from modalmesh.client import AsyncClient, Client
from tests.unit.client.scripted_gateway import ScriptedGateway


class Awaited:
    """An AsyncClient that is called like a Client."""

    def __init__(self, address: str, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = self._runner.run(_make(address, options))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            return self._runner.run(_settle(getattr(self._client, name), arguments, options))

        return call

    def close(self) -> None:
        self._runner.run(self._client.close())
        self._runner.close()


async def _make(address: str, options: dict[str, Any]) -> AsyncClient:
    return AsyncClient(address, **options)


async def _settle(method: Callable[..., Any], arguments: Any, options: Any) -> Any:
    result = method(*arguments, **options)
    if inspect.isawaitable(result):
        return await result
    if isinstance(result, AsyncIterator):
        return iter([entry async for entry in result])
    return result


@pytest.fixture
def gateway() -> Iterator[ScriptedGateway]:
    running = ScriptedGateway()
    yield running
    running.stop()


@pytest.fixture(params=["sync", "async"])
def make_client(request: pytest.FixtureRequest) -> Iterator[Callable[..., Client]]:
    """Makes clients of either kind, and closes them."""
    made: list[Any] = []

    def make(address: str, **options: Any) -> Client:
        made.append(Client(address, **options) if request.param == "sync" else Awaited(address, **options))
        return made[-1]  # type: ignore[no-any-return]  # Awaited has a Client's methods

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(gateway: ScriptedGateway, make_client: Callable[..., Client]) -> Client:
    return make_client(gateway.address, namespace="shop", timeout=10.0)
