"""`make deploy-test`: docker-compose.yml's mesh, built, started, called, scaled and restarted, for real.

Needs no registry. Where no Docker can be had it says so and ends with 0. All that it starts ends with it; images, and
what builds keep, stay for the next time.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from deploy.test.compose import Compose
from deploy.test.devices import check_devices
from deploy.test.docker_host import Docker, Missing, docker
from deploy.test.images import BASE, REGISTRY, ROOT, SERVICES, build_others, check_images, make_base
from deploy.test.measuring import check_metrics, check_spread
from deploy.test.pip_settings import pip_environment
from deploy.test.restarts import check_restarts
from deploy.test.securing import check_secured
from modalmesh.client import Client
from modalmesh.data_folder import DataFolder
from modalmesh.ingest import ingest
from modalmesh.local.processes import HOST, free_ports
from modalmesh.local.shop import write_shop

NAMESPACE = "shop"
_ITEMS, _USERS = 120, 60


def main() -> int:
    # Who ends it, however, ends what it has started.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    started = time.monotonic()
    try:
        with docker() as found:
            wrong = run(found)
    except Missing as why:
        sys.stderr.write(f"deploy-test skipped: {why}\n")
        return 0
    for each in wrong:
        sys.stderr.write(f"WRONG: {each}\n")
    sys.stderr.write(f"deploy-test: {'failed' if wrong else 'all is well'} after {time.monotonic() - started:.0f} s\n")
    return 1 if wrong else 0


def run(found: Docker) -> list[str]:
    """All steps; what is wrong."""
    version = str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])
    gateway, prometheus = (f"{HOST}:{port}" for port in free_ports(2))
    variables = {
        "MODALMESH_REGISTRY": REGISTRY,
        "MODALMESH_VERSION": version,
        "GATEWAY_LISTEN": gateway,
        "PROMETHEUS_LISTEN": prometheus,
    }
    with tempfile.TemporaryDirectory() as folder:
        make_base(found)
        variables |= {"BASE_IMAGE": BASE}
        variables |= build(found, Path(folder), variables)
        wrong = check_images(found, version)
        compose = Compose(found, variables)
        wrong += check_devices(compose)
        # Grafana is checked by its files: Debian has none.
        with compose.up("gateway", "prometheus"):
            wrong += fill(gateway, Path(folder))
            wrong += suite(gateway)
            wrong += check_metrics(prometheus)
            wrong += check_spread(compose, gateway, NAMESPACE)
            wrong += check_restarts(compose, gateway, NAMESPACE)
        wrong += check_secured(compose, gateway, Path(folder) / "secrets")
    return wrong


def build(found: Docker, folder: Path, variables: dict[str, str]) -> dict[str, str]:
    """Build every image; return the variables that name those of others."""
    started = time.monotonic()
    with pip_environment(folder) as pip:
        builder = Compose(found, {**variables, **pip})
        for service in SERVICES:
            builder.run("build", "--quiet", service)
        builder.run("--profile", "tools", "build", "--quiet", "mesh-tools")
        others = build_others(found, pip["BUILD_NETWORK"])
    sys.stderr.write(f"all images are built after {time.monotonic() - started:.0f} s\n")
    return others


def fill(address: str, folder: Path) -> list[str]:
    """The built-in shop, a small one, goes in."""
    write_shop(folder / "shop", items=_ITEMS, users=_USERS)
    with Client(address, NAMESPACE, timeout=60.0) as client:
        done = ingest(client, DataFolder(folder / "shop"))
    sys.stderr.write(
        f"{done.items} items and {done.events} events are in after {done.seconds:.1f} s: "
        f"{done.encoded_texts} texts and {done.encoded_images} pictures encoded, {done.pending} items pending\n"
    )
    return ["not all of the shop went in"] if (done.items, done.failed, done.pending) != (_ITEMS, 0, 0) else []


def suite(address: str) -> list[str]:
    """The end-to-end tests of a running mesh."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / "deploy/test/suite")]
    environment = {**os.environ, "MESH_ADDRESS": address, "MESH_NAMESPACE": NAMESPACE}
    ended = subprocess.run(command, cwd=ROOT, env=environment)
    return ["the end-to-end tests failed"] if ended.returncode else []


if __name__ == "__main__":
    sys.exit(main())
