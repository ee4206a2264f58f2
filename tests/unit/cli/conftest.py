import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modalmesh import convert, types
from modalmesh.cli.main import run
from modalmesh.v1 import recommender_service_pb2 as v1
from tests.unit.client.scripted_gateway import ScriptedGateway

EXPLANATION = types.Explanation(
    "lamp",
    0.75,
    -0.5,
    (types.SignalShare("text", 1.2, 0.8), types.SignalShare("image", -0.3, 0.2)),
    (types.HistoryShare("chair", 1.5, 1.0, (types.SignalShare("text", 1.5, 1.0),)),),
    "Its text is close to chair.",
    (types.WordShare("title", 0, 7, "Reading", 0.7, 0.5), types.WordShare("title", 8, 12, "lamp", 0.4, 0.3)),
    (types.RegionShare(0, 0.0, 0.25, 0.5, 1.0, -0.3, 0.2),),
    0.95,
    1.0,
)
LAMP = types.RankedItem("lamp", 0.75, "Reading [lamp]", EXPLANATION)
SERVED = types.Served("retrieval", (types.Lack("fusion-ranker", "SERVICE_UNAVAILABLE"),), "zero-shot", 12)
STATUS = types.Status(
    "0.1.0",
    (
        types.ServiceStatus("text-encoder", "127.0.0.1:1", True, "", types.ModelInfo("minilm", "t1", "cpu-bf16", 384)),
        types.ServiceStatus("image-encoder", "127.0.0.1:2", False, "connection refused"),
        types.ServiceStatus("fusion-ranker", "127.0.0.1:3", True, "", types.ModelInfo("zero-shot", "z1", "cpu", 1664)),
    ),
    types.StoreStatus(True, "Valkey 9.1.2", "fsync-always", True, 3_500_000),
    (types.NamespaceStatus("shop", 300, 300, 150, 2, 4000, 4),),
    types.CacheStatus(30, 10, 300, 150),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout; anything beside it is an error."""
        return json.loads(self.stdout)


Verb = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the mesh of whoever runs it."""
    monkeypatch.setenv("MODALMESH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path / "home"


@pytest.fixture
def verb(capsys: pytest.CaptureFixture[str]) -> Verb:
    """Runs the command line in this process."""

    def call(*arguments: str) -> Outcome:
        capsys.readouterr()
        code = run(arguments)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture
def gateway() -> Iterator[ScriptedGateway]:
    running = ScriptedGateway()
    items, served = [convert.ranked_item_to_proto(LAMP)], convert.served_to_proto(SERVED)
    running.answers |= {
        "Recommend": v1.RecommendResponse(items=items, served=served),
        "Rank": v1.RankResponse(items=items, served=served, unknown=["ghost"]),
        "SimilarItems": v1.SimilarItemsResponse(items=items, served=served),
        "SearchItems": v1.SearchItemsResponse(items=items, served=served),
        "Explain": v1.ExplainResponse(explanations=[convert.explanation_to_proto(EXPLANATION)], served=served),
        "GetStatus": convert.status_to_proto(STATUS),
    }
    yield running
    running.stop()


@pytest.fixture
def ask(verb: Verb, gateway: ScriptedGateway) -> Verb:
    """Runs a verb against the scripted gateway."""
    return lambda *arguments: verb(*arguments, "--address", gateway.address)
