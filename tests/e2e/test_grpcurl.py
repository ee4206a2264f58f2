"""A gRPC client that isn't ours, against a mesh that the command line started and filled."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modalmesh.local.mesh import MeshState
from tests.e2e.conftest import COLOURS, THINGS, modalmesh
from tests.e2e.pictures import picture

GRPCURL = Path(sys.executable).parent / "grpcurl"
NAMESPACE = "grpcurl"
SERVICES = {
    "gateway": "modalmesh.v1.Recommender",
    "text-encoder": "modalmesh.v1.TextEncoder",
    "image-encoder": "modalmesh.v1.ImageEncoder",
    "fusion-ranker": "modalmesh.v1.FusionRanker",
}


def grpcurl(*arguments: str, data: dict[str, Any] | None = None) -> "subprocess.CompletedProcess[str]":
    said = () if data is None else ("-d", json.dumps(data))
    return subprocess.run(
        (str(GRPCURL), "-plaintext", *said, *arguments), capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture(scope="module")
def address(shared_mesh: MeshState, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a gateway with a catalogue from a folder."""
    folder = tmp_path_factory.mktemp("shop")
    for colour in COLOURS:
        (folder / f"{colour}.png").write_bytes(picture(colour))
    items = [
        {"item_id": f"{colour}-{thing}", "title": f"A {colour} {thing}", "images": [f"{colour}.png"]}
        for colour in COLOURS
        for thing in THINGS
    ]
    (folder / "items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    (folder / "interactions.csv").write_text(
        "user_id,item_id,timestamp,rating\n"
        "ada,red-shoe,1700000000,5\nada,green-shoe,1700000001,4\nben,grey-lamp,1700000002,5\n"
    )
    ingested = modalmesh("ingest", str(folder), "--namespace", NAMESPACE, "--json", home=shared_mesh.home)
    assert json.loads(ingested.stdout)["failed"] == 0, ingested.stderr
    return shared_mesh.address


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_lists_itself_and_is_serving(shared_mesh: MeshState, name: str) -> None:
    where = shared_mesh.child(name).address
    listed = grpcurl(where, "list")
    health = grpcurl(where, "grpc.health.v1.Health/Check", data={"service": SERVICES[name]})
    assert {SERVICES[name], "grpc.health.v1.Health"} <= set(listed.stdout.split()), listed.stderr
    assert json.loads(health.stdout) == {"status": "SERVING"}, health.stderr


def test_the_whole_server_is_serving(address: str) -> None:
    assert json.loads(grpcurl(address, "grpc.health.v1.Health/Check").stdout) == {"status": "SERVING"}


def test_three_recommendations_come_with_titles_and_nothing_lacking(address: str) -> None:
    answered = grpcurl(
        address, "modalmesh.v1.Recommender/Recommend", data={"namespace": NAMESPACE, "user_id": "ada", "k": 3}
    )
    answer = json.loads(answered.stdout)
    assert len(answer["items"]) == 3
    assert not {item["item_id"] for item in answer["items"]} & {"red-shoe", "green-shoe"}
    assert all(item["title"].startswith("A ") and 0 < item["score"] < 1 for item in answer["items"])
    assert (answer["served"]["served_by"], answer["served"].get("lacked", [])) == ("rank", [])


def test_a_method_is_described(address: str) -> None:
    described = grpcurl(address, "describe", "modalmesh.v1.RecommendRequest").stdout
    assert "uint32 k = 3;" in described


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        ({"namespace": NAMESPACE, "user_id": "ada"}, "InvalidArgument", "k: must be 1 to 1000, got 0"),
        ({"namespace": NAMESPACE, "user_id": "ada", "k": 1_000_000}, "InvalidArgument", "k: must be 1 to 1000"),
        ({"namespace": NAMESPACE, "k": 3}, "InvalidArgument", "user_id: is empty"),
        ({"namespace": "nowhere", "user_id": "ada", "k": 3}, "NotFound", "there is no namespace 'nowhere'"),
    ],
)
def test_a_bad_request_is_told_by_code_field_and_reason(
    address: str, data: dict[str, Any], code: str, words: str
) -> None:
    refused = grpcurl(address, "modalmesh.v1.Recommender/Recommend", data=data)
    assert refused.returncode != 0
    assert f"Code: {code}" in refused.stderr
    assert words in refused.stderr


def test_items_streamed_by_hand_go_in_and_the_bad_one_is_listed(address: str) -> None:
    items = [{"item_id": "hat", "title": "A straw hat"}, {"item_id": "air"}]
    answered = grpcurl(address, "modalmesh.v1.Recommender/UpsertItems", data={"namespace": "by-hand", "items": items})
    answer = json.loads(answered.stdout)
    assert (answer["created"], answer["refused_count"]) == ("1", "1")
    assert (answer["refused"][0]["id"], answer["refused"][0]["reason"]) == ("air", "NO_MODALITY")
