import pytest

from benchmarks import ingest
from benchmarks.ingest.report import IngestReport

# Two models are loaded by a process a core, then a mesh starts.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def measured() -> IngestReport:
    told: list[str] = []
    return ingest.run(told.append, data=None, limit=24, rounds=1)


def test_floor_and_mesh_encode_the_same_of_the_shop(measured: IngestReport) -> None:
    floor, mesh = measured.floor[0], measured.mesh[0]
    assert (floor.items, floor.texts, floor.images) == (mesh.items, mesh.texts, mesh.images)
    assert floor.items == 24
    assert mesh.events > 0


def test_the_encoders_are_where_the_time_goes(measured: IngestReport) -> None:
    spent = measured.mesh_cpu_seconds
    assert spent.keys() == {"redis", "text-encoder", "image-encoder", "fusion-ranker", "gateway", "client"}
    assert spent["text-encoder"] + spent["image-encoder"] > sum(spent.values()) / 2
