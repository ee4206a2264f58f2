"""Meshes to test with; see meshes.py."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.gateway.meshes import Mesh, running_mesh
from tests.integration.gateway.shop import SHOP
from tests.valkey import ValkeyProcess


@pytest.fixture(scope="session")
def running_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyProcess]:
    server = ValkeyProcess(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def valkey(running_valkey: ValkeyProcess) -> ValkeyProcess:
    """Empty."""
    running_valkey.command("FLUSHALL")
    return running_valkey


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[ValkeyProcess]:
    """One that a test may kill."""
    server = ValkeyProcess(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def mesh(valkey: ValkeyProcess) -> AsyncIterator[Mesh]:
    async with running_mesh(valkey) as mesh:
        yield mesh


@pytest.fixture
async def shop(mesh: Mesh) -> Mesh:
    """A mesh with a catalogue."""
    await mesh.client.upsert_items(SHOP)
    return mesh


@pytest.fixture
async def fragile_shop(own_valkey: ValkeyProcess) -> AsyncIterator[Mesh]:
    """A mesh with a catalogue, whose Valkey a test may kill and start again."""
    async with running_mesh(own_valkey) as mesh:
        await mesh.client.upsert_items(SHOP)
        yield mesh
