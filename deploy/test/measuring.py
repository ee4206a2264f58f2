"""What a running mesh tells of itself: metrics by Prometheus, and which replica did what."""

import json
import sys
import time
import urllib.parse
import urllib.request
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from deploy.test.compose import Compose
from deploy.test.images import SERVICES
from modalmesh.client import Client

_SCRAPED_SECONDS = 60.0
_REPLICAS = 3
_SEARCHES = 300
# Longer than text-encoder's CONNECTION_SECONDS in docker-compose.yml: after it the gateway knows every replica.
_KNOWN_SECONDS = 60.0
# Of its fair share, which a replica of three gets at least when calls go to each in turn.
_LEAST_SHARE = 0.8


def check_metrics(prometheus: str) -> list[str]:
    """Prometheus scrapes all four services, and has counted the gateway's calls: at its next look at the latest."""
    end = time.monotonic() + _SCRAPED_SECONDS
    scraped, counts = look(prometheus)
    while len(scraped) < len(SERVICES) or not counts.get("UpsertItems"):
        if time.monotonic() > end:
            return [f"Prometheus scrapes only {scraped}, and has counted {counts}"]
        time.sleep(1.0)
        scraped, counts = look(prometheus)
    sys.stderr.write(f"Prometheus scrapes {', '.join(scraped)}; the gateway's calls by method: {counts}\n")
    return []


def look(prometheus: str) -> tuple[list[str], dict[str, int]]:
    """What it scrapes now, and the gateway's calls by method as it has last seen them."""
    scraped = sorted({each["metric"]["job"] for each in query(prometheus, "up == 1")})
    calls = query(prometheus, 'sum by (grpc_method) (grpc_server_handled_total{job="gateway"}) > 0')
    return scraped, {each["metric"]["grpc_method"]: int(float(each["value"][1])) for each in calls}


def query(prometheus: str, expression: str) -> list[dict[str, Any]]:
    parameters = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"http://{prometheus}/api/v1/query?{parameters}", timeout=10) as response:
        found: list[dict[str, Any]] = json.load(response)["data"]["result"]
        return found


def check_spread(compose: Compose, address: str, namespace: str) -> list[str]:
    """Each of three text-encoders answers its share of searches that no cache knows."""
    compose.scale("text-encoder", _REPLICAS)
    with Client(address, namespace) as client:
        end = time.monotonic() + _KNOWN_SECONDS
        before = encodes(compose)
        for number in range(10_000):
            client.search_items(text=f"before all replicas are known {number}", k=1)
            if all(now > before[replica] for replica, now in encodes(compose).items()):
                break
            if time.monotonic() > end:
                return [f"a replica gets nothing within {_KNOWN_SECONDS:.0f} s: {encodes(compose)}"]
            time.sleep(0.5)
        before = encodes(compose)
        for number in range(_SEARCHES):
            client.search_items(text=f"a mug for {number} guests", k=1)
        counts = [now - before[replica] for replica, now in encodes(compose).items()]
    sys.stderr.write(f"{_SEARCHES} searches went to {_REPLICAS} text-encoders as {counts}\n")
    compose.scale("text-encoder", 1)
    fair = _LEAST_SHARE * _SEARCHES / _REPLICAS
    return [] if min(counts) >= fair else [f"calls are not spread: {counts}"]


def encodes(compose: Compose) -> dict[str, int]:
    """Answered Encode calls by replica, from its own metrics."""
    return {address: answered(f"http://{address}:9091/metrics") for address in compose.addresses("text-encoder")}


def answered(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - a replica's own
        families = list(text_string_to_metric_families(response.read().decode()))
    samples = [sample for family in families for sample in family.samples]
    return int(
        sum(
            sample.value
            for sample in samples
            if sample.name == "grpc_server_handled_total"
            and (sample.labels["grpc_method"], sample.labels["grpc_code"]) == ("Encode", "OK")
        )
    )
