"""Four processes and a Valkey that send their traces to a collector, and write JSON for logs."""

import json
import os
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from modalmesh import errors
from modalmesh.client import Client
from modalmesh.local.mesh import MeshState, start_mesh, stop_mesh
from modalmesh.types import Event
from modalmesh.v1 import recommender_service_pb2 as pb
from modalmesh.v1.recommender_service_pb2_grpc import RecommenderStub
from tests.e2e.collector import Collector, attribute
from tests.e2e.conftest import fill
from tests.e2e.pictures import picture
from tests.waiting import eventually

SERVICES = {"gateway", "text-encoder", "image-encoder", "fusion-ranker"}
MARK = "xylophonist"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.stop()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("traced-mesh")


@pytest.fixture(scope="module")
def mesh(home: Path, collector: Collector) -> Iterator[MeshState]:
    prefixes = ("", "TEXT_ENCODER_", "IMAGE_ENCODER_", "FUSION_RANKER_")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        for prefix in prefixes:
            environment.setenv(f"MODALMESH_{prefix}LOG_FORMAT", "json")
        yield start_mesh(home, redis_url="")
        stop_mesh(home)


@pytest.fixture(scope="module")
def stub(mesh: MeshState) -> Iterator[Any]:
    with Client(mesh.address) as client:
        fill(client)
    with grpc.insecure_channel(mesh.address) as channel:
        yield RecommenderStub(channel)


def traceparent() -> tuple[str, tuple[str, str]]:
    """The id of a new trace, and the metadata that says so."""
    trace_id = secrets.token_hex(16)
    return trace_id, ("traceparent", f"00-{trace_id}-{secrets.token_hex(8)}-01")


def until_seen(collector: Collector, trace_id: str, services: set[str]) -> list[tuple[str, Span]]:
    def is_whole() -> bool:
        seen = {(service, span.kind) for service, span in collector.trace(trace_id)}
        return {(service, Span.SPAN_KIND_SERVER) for service in services} <= seen

    eventually(is_whole)
    return collector.trace(trace_id)


def test_one_request_is_seen_whole_across_four_services_and_redis(stub: Any, collector: Collector) -> None:
    """An item that nobody has seen yet needs all of them."""
    trace_id, parent = traceparent()
    item = pb.UpsertItemsRequest(namespace="default")
    new = item.items.add(item_id="new", title="A violet shoe")
    new.pictures.add(content=picture("violet"), name="front.png")
    stub.UpsertItems(iter([item]), timeout=9.0, metadata=(parent,))
    spans = until_seen(collector, trace_id, SERVICES)
    by_id = {span.span_id: (service, span) for service, span in spans}
    (root,) = [span for service, span in spans if span.parent_span_id not in by_id]
    assert by_id[root.span_id][0] == "gateway"
    assert root.parent_span_id.hex() == parent[1].split("-")[2]
    redis = [span for _, span in spans if attribute(span, "db.system.name") == "redis"]
    assert redis
    for service, span in spans:
        if span is root:
            continue
        above, caller = by_id[span.parent_span_id]
        assert above == "gateway"
        left = attribute(span, "modalmesh.deadline_left_ms")
        if service == "gateway":
            assert (span.kind, caller) == (Span.SPAN_KIND_CLIENT, root)
            assert 0 < left < attribute(root, "modalmesh.deadline_left_ms")
        else:
            assert (span.kind, caller.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT)
            # gRPC's header gives a time-out to a hundredth of it.
            assert 0 < left < attribute(caller, "modalmesh.deadline_left_ms") * 1.01
    for encoder in ("text-encoder", "image-encoder"):
        (encode,) = [span for service, span in spans if service == encoder and span.name.endswith("/Encode")]
        assert attribute(encode, "modalmesh.device_ms") > 0


def test_a_failed_request_is_found_in_logs_and_traces_by_what_its_caller_got(
    stub: Any, collector: Collector, home: Path
) -> None:
    trace_id, parent = traceparent()
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetItem(pb.GetItemRequest(namespace="default", item_id="none"), timeout=10.0, metadata=(parent,))
    assert isinstance(caught.value, grpc.Call)
    request_id = dict(caught.value.trailing_metadata() or ())["x-request-id"]
    ((_, span),) = [each for each in until_seen(collector, trace_id, {"gateway"}) if each[1].kind == 2]
    assert attribute(span, "modalmesh.request_id") == request_id
    (line,) = [line for line in lines(home, "gateway") if line.get("request_id") == request_id]
    assert (line["code"], line["trace_id"], line["level"]) == ("NOT_FOUND", trace_id, "INFO")
    assert line["method"] == "/modalmesh.v1.Recommender/GetItem"


def test_no_log_holds_what_users_wrote_or_who_they_are(mesh: MeshState, stub: Any, home: Path) -> None:
    """Whatever goes wrong: they ask what can't be answered, or a part doesn't answer."""
    events = [Event(MARK, "red-shoe", 1_700_000_000_000, value=5.0)]
    with Client(mesh.address) as client, Client(mesh.address, namespace=MARK) as elsewhere:
        client.record_events(events)
        client.search_items(f"a {MARK} in the rain")
        client.recommend(MARK, explain=True)
        fails(lambda: client.search_items(MARK * 500_000))
        fails(lambda: client.search_items(MARK, b"no picture of a " + MARK.encode()))
        fails(lambda: client.get_item(MARK))
        fails(lambda: client.recommend(MARK * 1000))
        fails(lambda: client.rank([MARK] * 2, user_id=MARK))
        fails(lambda: elsewhere.recommend("ada"))
        with asleep(mesh, "text-encoder"):
            fails(lambda: client.search_items(f"a {MARK} in the snow", timeout=3.0))
        with asleep(mesh, "redis"):
            fails(lambda: client.record_events(events, timeout=3.0))
            fails(lambda: client.get_history(MARK, timeout=3.0))
            client.recommend(MARK)
    for name in SERVICES:
        assert lines(home, name)
        assert MARK not in log(home, name)
    codes = {line.get("code") for line in lines(home, "gateway")}
    assert {"INVALID_ARGUMENT", "NOT_FOUND", "UNAVAILABLE"} <= codes


def fails(ask: Callable[[], object]) -> None:
    with pytest.raises(errors.ModalmeshError):
        ask()


@contextmanager
def asleep(mesh: MeshState, name: str) -> Iterator[None]:
    pid = mesh.child(name).pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def log(home: Path, name: str) -> str:
    return (home / "logs" / f"{name}.log").read_text(encoding="utf-8")


def lines(home: Path, name: str) -> list[dict[str, Any]]:
    """All that a service logged; a line that is no JSON fails."""
    return [json.loads(line) for line in log(home, name).splitlines()]
