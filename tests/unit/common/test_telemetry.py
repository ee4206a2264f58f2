"""What Prometheus gets to see."""

import asyncio
import socket
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from modalmesh_services.common.configuration.settings import ServerSettings
from modalmesh_services.common.engine.metrics import EngineMetrics
from modalmesh_services.common.observability.telemetry import EngineCollector
from modalmesh_services.common.server import MeshServer


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def shown(metrics: EngineMetrics) -> list[str]:
    registry = CollectorRegistry()
    registry.register(EngineCollector(metrics, "tokens"))
    return generate_latest(registry).decode().splitlines()


async def test_a_server_shows_its_process_until_it_stops() -> None:
    port = free_port()
    server = MeshServer(ServerSettings(metrics_port=port, grace_seconds=0), ["a.Service"])
    await server.start()
    page = await asyncio.to_thread(lambda: urlopen(f"http://127.0.0.1:{port}/metrics").read())
    await server.stop()
    assert b"process_resident_memory_bytes" in page
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port))


async def test_a_metrics_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = MeshServer(ServerSettings(metrics_port=port), ["a.Service"])
        with pytest.raises(OSError, match=f"--metrics-port: can't listen on 127.0.0.1:{port}"):
            await server.start()
        await server.grpc.stop(0)


def test_refusals_are_counted_by_reason() -> None:
    metrics = EngineMetrics()
    metrics.refusals["full"] += 3
    assert 'modalmesh_encoder_refusals_total{reason="full"} 3.0' in shown(metrics)


def test_a_time_falls_into_all_buckets_above_it() -> None:
    metrics = EngineMetrics()
    metrics.queue_seconds.add(0.07)
    metrics.queue_seconds.add(99.0)
    lines = shown(metrics)
    assert 'modalmesh_encoder_queue_seconds_bucket{le="0.05"} 0.0' in lines
    assert 'modalmesh_encoder_queue_seconds_bucket{le="0.1"} 1.0' in lines
    assert 'modalmesh_encoder_queue_seconds_bucket{le="+Inf"} 2.0' in lines
    assert "modalmesh_encoder_queue_seconds_sum 99.07" in lines


def test_padding_is_seen_as_what_was_computed_and_what_was_real() -> None:
    lines = shown(EngineMetrics(computed=120, real=100))
    assert {"modalmesh_encoder_computed_tokens_total 120.0", "modalmesh_encoder_real_tokens_total 100.0"} <= set(lines)
