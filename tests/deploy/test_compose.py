"""What Dockerfile and compose files promise, read from the files alone: no docker is needed."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.settings_tables import SERVERS
from modalmesh_services.common.configuration.environment import may_hold_secret, variable

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
OTHERS = ("redis", "prometheus", "grafana")
PORTS = {"gateway": 50050, "text-encoder": 50051, "image-encoder": 50052, "fusion-ranker": 50053}


class Loader(yaml.SafeLoader):
    """Compose's own tag says that a value of the file below is dropped."""


Loader.add_constructor("!reset", lambda loader, node: None)


def compose(path: str = "docker-compose.yml") -> dict[str, Any]:
    found: dict[str, Any] = yaml.load((ROOT / path).read_text(encoding="utf-8"), Loader)  # noqa: S506 - a SafeLoader
    return found


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def stage(name: str) -> str:
    """The text of a stage of the Dockerfile."""
    found = re.search(rf"^FROM \S+ AS {name}$(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    assert found, f"the Dockerfile has no stage {name}"
    return found[1]


def variables_of(service: str) -> set[str]:
    """All variables that a server knows."""
    settings = SERVERS[service][1]
    names = {variable(settings, name): field for name, field in settings.model_fields.items()}
    return {*names, *(f"{name}_FILE" for name, field in names.items() if may_hold_secret(field))}


@pytest.mark.parametrize("service", SERVERS)
def test_every_variable_that_is_set_is_one_of_the_server(service: str) -> None:
    named = set(re.findall(r"\b(MODALMESH_\w+)=", stage(service)))
    for path in ("docker-compose.yml", "deploy/compose/gpu.yml", "deploy/compose/secrets.yml"):
        environment = compose(path)["services"].get(service, {}).get("environment", {})
        named |= {name for name in environment if name.startswith("MODALMESH_")}
    assert named
    assert named - variables_of(service) == set()


@pytest.mark.parametrize("service", SERVERS)
def test_an_image_serves_looks_at_itself_and_is_measured_at_the_agreed_ports(service: str) -> None:
    port, metrics = PORTS[service], 9090 + PORTS[service] % 10
    text = stage(service)
    assert re.search(rf"_PORT={port}\b", text)
    assert re.search(rf"_METRICS_PORT={metrics}\b", text)
    assert f"EXPOSE {port} {metrics}\n" in text
    assert re.search(rf'HEALTHCHECK .*\n.*healthcheck\.py", "{port}", "MODALMESH_', text)


@pytest.mark.parametrize("service", SERVERS)
def test_signals_reach_the_server_itself(service: str) -> None:
    module = SERVERS[service][0]
    assert f'ENTRYPOINT ["python3", "-P", "-m", "{module}"]\n' in stage(service)


@pytest.mark.parametrize("service", [*SERVERS, "mesh-tools"])
def test_code_is_the_last_layer_of_an_image(service: str) -> None:
    copied = re.findall(r"^COPY --from=(\S+)", stage(service), re.MULTILINE)
    assert copied[-1] == "code"
    assert copied.count("code") == 1


def test_the_gateway_has_no_torch_layer() -> None:
    assert "torch" not in stage("gateway")


def test_images_run_as_nobody_special() -> None:
    assert "\nUSER 10001:10001\n" in stage("runtime")


@pytest.mark.parametrize("service", [*SERVERS, *OTHERS])
def test_a_container_has_no_rights_that_it_does_not_need(service: str) -> None:
    found = services()[service]
    assert (found["read_only"], found["cap_drop"], found["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    assert {"memory", "pids"} <= found["deploy"]["resources"]["limits"].keys()


@pytest.mark.parametrize("service", OTHERS)
def test_an_image_of_others_can_be_replaced(service: str) -> None:
    assert re.fullmatch(r"\$\{" + service.upper() + r"_IMAGE:-[^:}]+:[\w.-]+\}", services()[service]["image"])


def test_nothing_listens_to_other_hosts_by_default() -> None:
    ports = [port for service in services().values() for port in service.get("ports", ())]
    assert ports
    assert all(re.match(r"\$\{\w+_LISTEN:-127\.0\.0\.1:\d+\}:\d+$", port) for port in ports)


def test_the_gateway_starts_when_all_that_it_needs_is_healthy_and_calls_every_replica() -> None:
    gateway = services()["gateway"]
    assert gateway["depends_on"] == {
        name: {"condition": "service_healthy"} for name in ("redis", "text-encoder", "image-encoder", "fusion-ranker")
    }
    for name in ("text-encoder", "image-encoder", "fusion-ranker"):
        key = f"MODALMESH_{name.upper().replace('-', '_')}"
        assert gateway["environment"][key] == f"dns:///{name}:{PORTS[name]}"


def test_a_stop_leaves_a_server_its_grace() -> None:
    for name in SERVERS:
        found = services()[name]
        (grace,) = [int(value) for key, value in found["environment"].items() if key.endswith("_GRACE_SECONDS")]
        assert int(found["stop_grace_period"].rstrip("s")) > grace


def test_redis_keeps_every_write() -> None:
    for path in ("docker-compose.yml", "deploy/compose/secrets.yml"):
        command = " ".join(compose(path)["services"]["redis"]["command"])
        assert "--appendonly yes --appendfsync always --maxmemory-policy noeviction" in command
    assert "records:/data" in services()["redis"]["volumes"]


@pytest.mark.parametrize(("service", "number"), [("text-encoder", 0), ("image-encoder", 1), ("fusion-ranker", 2)])
def test_each_model_gets_a_gpu_of_its_own(service: str, number: int) -> None:
    found = compose("deploy/compose/gpu.yml")["services"][service]
    named = f"${{{service.upper().replace('-', '_')}_GPU:-{number}}}"
    (device,) = found["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "device_ids": [named], "capabilities": ["gpu"]}
    assert found["build"]["args"]["ACCELERATOR"] == "cuda"
    assert found["image"].endswith("-cuda")
    # Or one that finds no GPU serves on the CPU, unseen.
    assert found["environment"][f"MODALMESH_{service.upper().replace('-', '_')}_DEVICE"] == "cuda:0"


def test_what_computes_nothing_gets_no_gpu() -> None:
    assert sorted(compose("deploy/compose/gpu.yml")["services"]) == ["fusion-ranker", "image-encoder", "text-encoder"]


def test_files_that_are_mounted_are_there() -> None:
    mounted = [volume.split(":")[0] for service in services().values() for volume in service.get("volumes", ())]
    assert [path for path in mounted if path.startswith("./") and not (ROOT / path).exists()] == []
