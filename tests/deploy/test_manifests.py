"""What manifests say agrees with the servers' own settings; make deploy-check looks at the rest."""

import os
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from modalmesh.client.channel import BULK_TIMEOUTS
from modalmesh_gateway.settings import GatewaySettings
from modalmesh_services.common.configuration.settings import ServerSettings
from modalmesh_services.fusion_ranker.settings import FusionRankerSettings
from modalmesh_services.image_encoder.settings import ImageEncoderSettings
from modalmesh_services.text_encoder.settings import TextEncoderSettings
from tests.deploy.reading import BASE, COMPONENTS, ROOT, SERVICES, documents, environment, one

CLIENT_SECONDS = 30.0
SETTINGS: dict[str, type[ServerSettings]] = {
    "gateway": GatewaySettings,
    "text-encoder": TextEncoderSettings,
    "image-encoder": ImageEncoderSettings,
    "fusion-ranker": FusionRankerSettings,
}


def variables(settings: type[ServerSettings]) -> set[str]:
    prefix = settings.model_config.get("env_prefix", "")
    names = {f"{prefix}{field.upper()}" for field in settings.model_fields}
    return names | {f"{name}_FILE" for name in names}


def value(service: str, name: str) -> str:
    prefix = SETTINGS[service].model_config.get("env_prefix", "")
    return environment(service)[f"{prefix}{name}"]


def container(service: str) -> dict[str, Any]:
    (found,) = one(BASE / f"{service}.yaml", "Deployment")["spec"]["template"]["spec"]["containers"]
    return dict(found)


@pytest.mark.parametrize("service", SERVICES)
def test_every_variable_is_a_setting(service: str) -> None:
    patched = documents(COMPONENTS / "tls" / "kustomization.yaml")[0]["configMapGenerator"]
    of_tls = {line.split("=")[0] for each in patched if each["name"] == service for line in each["literals"]}
    assert len(of_tls) == 3
    assert (environment(service).keys() | of_tls) - variables(SETTINGS[service]) == set()


@pytest.mark.parametrize("service", SERVICES)
def test_a_server_takes_its_config_map_as_it_is(service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "redis://somewhere:6379/0"
    (tmp_path / "url").write_text(url)
    for name, each in environment(service).items():
        # The only file is the Secret's.
        monkeypatch.setenv(name, str(tmp_path / "url") if name.endswith("_FILE") else each)
    settings = SETTINGS[service].load(service, "", [])
    assert settings.grace_seconds == float(value(service, "GRACE_SECONDS"))
    assert settings.log_format == "json"
    assert getattr(settings, "redis_url", url) == url


@pytest.mark.parametrize("service", SERVICES)
def test_ports_of_container_service_and_probes_are_those_that_are_listened_on(service: str) -> None:
    port = int(value(service, "PORT"))
    told = container(service)
    assert {each["name"]: each["containerPort"] for each in told["ports"]} == {
        "grpc": port,
        "metrics": int(value(service, "METRICS_PORT")),
    }
    assert [told[probe]["grpc"]["port"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")] == [port] * 3
    assert [each["port"] for each in one(BASE / f"{service}.yaml", "Service")["spec"]["ports"]] == [port]


@pytest.mark.parametrize("service", ["text-encoder", "image-encoder", "fusion-ranker"])
def test_the_gateway_finds_a_service_where_it_listens(service: str) -> None:
    address = environment("gateway")[f"MODALMESH_{service.replace('-', '_').upper()}"]
    assert address == f"dns:///{service}:{value(service, 'PORT')}"


@pytest.mark.parametrize("service", SERVICES)
def test_a_stop_waits_for_the_longest_call_and_is_not_cut_short(service: str) -> None:
    grace = float(value(service, "GRACE_SECONDS"))
    assert grace > GatewaySettings().encode_seconds
    assert grace > CLIENT_SECONDS * BULK_TIMEOUTS
    (common,) = documents(BASE / "common.yaml")
    before = common["spec"]["template"]["spec"]["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    given = one(BASE / f"{service}.yaml", "Deployment")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert given >= before + grace + 10


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_may_be_called_by_the_name_in_its_certificate(service: str) -> None:
    certificates = documents(COMPONENTS / "tls" / "certificates.yaml")
    (names,) = [each["spec"]["dnsNames"] for each in certificates if each["metadata"]["name"] == service]
    assert {service, f"{service}.modalmesh.svc", "localhost"} <= set(names)


@pytest.fixture(scope="module")
def metrics_over_tls(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl builds the overlay")
    # Kustomize takes no absolute paths.
    folder = tmp_path_factory.mktemp("overlay").resolve()
    names = ("base", "components/tls", "components/monitoring", "components/monitoring/tls")
    base, *components = (os.path.relpath(COMPONENTS.parent / name, folder) for name in names)
    (folder / "kustomization.yaml").write_text(yaml.safe_dump({"resources": [base], "components": components}))
    command = ["kubectl", "kustomize", str(folder)]
    built = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return list(yaml.load_all(built, yaml.CSafeLoader))


def test_prometheus_asks_for_metrics_over_tls_as_servers_show_them(metrics_over_tls: list[dict[str, Any]]) -> None:
    (monitor,) = [each for each in metrics_over_tls if each["kind"] == "PodMonitor"]
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert (endpoint["scheme"], endpoint["port"]) == ("https", "metrics")
    certificates = {
        each["spec"]["secretName"]: each["spec"] for each in metrics_over_tls if each["kind"] == "Certificate"
    }
    tls = endpoint["tlsConfig"]
    shown = {tls["ca"]["secret"]["name"], tls["cert"]["secret"]["name"], tls["keySecret"]["name"]}
    assert shown == {"caller-tls"} <= certificates.keys()
    for service in SERVICES:
        assert tls["serverName"] in certificates[f"{service}-tls"]["dnsNames"]


@pytest.mark.parametrize("service", SERVICES)
def test_servers_show_metrics_over_tls_where_prometheus_asks_so(
    metrics_over_tls: list[dict[str, Any]], service: str
) -> None:
    (told,) = [
        each["data"]
        for each in metrics_over_tls
        if each["kind"] == "ConfigMap" and each["metadata"]["name"].startswith(f"{service}-")
    ]
    assert told.keys() <= variables(SETTINGS[service])
    prefix = SETTINGS[service].model_config.get("env_prefix", "")
    assert (told[f"{prefix}METRICS_TLS"], bool(told[f"{prefix}TLS_CA"])) == ("true", True)


@pytest.mark.parametrize("folder", [BASE, COMPONENTS / "gpu"], ids=["base", "gpu"])
def test_images_are_of_this_release(folder: Any) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    tags = {image["newTag"].removesuffix("-cuda") for image in documents(folder / "kustomization.yaml")[0]["images"]}
    assert tags == {version}
