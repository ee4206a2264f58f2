"""A mesh over a Redis of the user's, which is away at the start, comes, goes, and comes back."""

from collections.abc import Iterator

import pytest

from modalmesh.client import Client
from modalmesh.errors import Unavailable
from modalmesh.local.mesh import MeshState, start_mesh, stop_mesh
from modalmesh.types import Event
from tests.e2e.conftest import fill
from tests.valkey import ValkeyProcess
from tests.waiting import eventually

LIKED = Event("somebody", "green-shoe", 1_700_000_000_000, value=5.0)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyProcess]:
    """Not started yet."""
    server = ValkeyProcess(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture(scope="module")
def mesh(redis: ValkeyProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeshState]:
    home = tmp_path_factory.mktemp("mesh-without-redis")
    yield start_mesh(home, redis_url=redis.url)
    stop_mesh(home)


@pytest.fixture
def client(mesh: MeshState) -> Iterator[Client]:
    """Writes are tried again for a while; these tests want to see the refusal."""
    with Client(mesh.address, timeout=2.0) as client:
        yield client


def reachable(client: Client) -> bool:
    return client.status().store.reachable


def test_it_starts_and_says_that_redis_is_away(mesh: MeshState, redis: ValkeyProcess, client: Client) -> None:
    assert [child.name for child in mesh.children] == ["text-encoder", "image-encoder", "fusion-ranker", "gateway"]
    assert mesh.redis_url == redis.url
    assert not reachable(client)


def test_writes_are_refused_and_name_redis(client: Client) -> None:
    with pytest.raises(Unavailable) as refused:
        client.get_history("ada")
    assert (refused.value.part, refused.value.retry_after > 0) == ("redis", True)


def test_when_redis_comes_the_mesh_takes_items_without_a_restart(redis: ValkeyProcess, mesh: MeshState) -> None:
    redis.start()
    with Client(mesh.address) as client:
        eventually(lambda: reachable(client))
        fill(client)
        assert client.recommend("ada", k=3).served.lacked == ()


def test_when_redis_goes_reads_are_answered_from_the_index(redis: ValkeyProcess, client: Client) -> None:
    redis.kill()
    for answer in (
        client.recommend("ada", k=3),
        client.similar_items("red-shoe", k=3),
        client.search_items(text="a red shoe", k=3),
        client.rank(["red-shoe", "blue-lamp"], history=[LIKED]),
    ):
        assert answer.items
        assert [lack.part for lack in answer.served.lacked] == ["redis"]


def test_and_what_needs_redis_is_refused(client: Client) -> None:
    for ask in (lambda: client.get_item("red-shoe"), lambda: client.get_history("ada")):
        with pytest.raises(Unavailable) as refused:
            ask()
        assert refused.value.part == "redis"


def test_when_redis_is_back_everything_is_there(redis: ValkeyProcess, mesh: MeshState) -> None:
    redis.start()
    with Client(mesh.address) as client:
        eventually(lambda: reachable(client))
        assert len(list(client.list_items())) == 20
        eventually(lambda: client.recommend("ada", k=3).served.lacked == ())


def test_the_mesh_never_stopped_nor_touched_the_users_redis(redis: ValkeyProcess, mesh: MeshState) -> None:
    assert stop_mesh(mesh.home)
    assert redis.command("PING").startswith(b"+PONG")
