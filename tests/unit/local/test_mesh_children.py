"""What a mesh consists of."""

import sys
from pathlib import Path

import pytest

from modalmesh.local.children import ChildSpec, MeshSpec, Ranking, mesh_spec, without_password
from modalmesh.local.state import Home


def flags_of(child: ChildSpec) -> dict[str, str]:
    flags = child.command[child.command.index("-m") + 2 :]
    return dict(zip(flags[::2], flags[1::2], strict=True))


def named(spec: MeshSpec) -> dict[str, ChildSpec]:
    return {child.name: child for child in spec.children}


def test_four_services_and_an_embedded_valkey_each_on_a_port_of_its_own(home: Home) -> None:
    spec = mesh_spec(home, 50_050, "")
    assert list(named(spec)) == ["redis", "text-encoder", "image-encoder", "fusion-ranker", "gateway"]
    assert len({child.address for child in spec.children}) == 5
    assert (spec.address, spec.redis_url) == ("127.0.0.1:50050", f"redis://{named(spec)['redis'].address}/0")


def test_services_are_modules_of_this_python_on_this_machine_alone(home: Home) -> None:
    child = named(mesh_spec(home, 1, ""))["text-encoder"]
    assert child.command[:4] == (sys.executable, "-P", "-m", "modalmesh_services.text_encoder")
    host, _, port = child.address.partition(":")
    assert flags_of(child) == {"--host": host, "--port": port}


def test_the_gateway_is_told_where_the_others_are(home: Home) -> None:
    children = named(mesh_spec(home, 50_050, ""))
    gateway = children["gateway"]
    flags = flags_of(gateway)
    for name in ("text-encoder", "image-encoder", "fusion-ranker"):
        assert flags[f"--{name}"] == children[name].address
    assert gateway.environment["MODALMESH_REDIS_URL"] == f"redis://{children['redis'].address}/0"


def test_a_bundle_is_the_rankers_model_and_without_one_its_own_settings_hold(home: Home) -> None:
    with_bundle = named(mesh_spec(home, 1, "", Ranking(Path("/films.bundle"))))["fusion-ranker"]
    assert flags_of(with_bundle)["--model"] == "/films.bundle"
    assert "--model" not in flags_of(named(mesh_spec(home, 1, ""))["fusion-ranker"])


def test_a_mesh_that_only_encodes_has_no_ranker(home: Home) -> None:
    spec = mesh_spec(home, 1, "", Ranking(wanted=False))
    assert list(named(spec)) == ["redis", "text-encoder", "image-encoder", "gateway"]


def test_a_redis_of_the_users_takes_the_embedded_ones_place(home: Home) -> None:
    spec = mesh_spec(home, 50_050, "redis://elsewhere:7000/1")
    assert "redis" not in named(spec)
    assert spec.redis_url == "redis://elsewhere:7000/1"


def test_a_password_goes_to_the_gateway_alone_and_by_environment(home: Home) -> None:
    spec = mesh_spec(home, 50_050, "redis://ada:secret@elsewhere:7000/1")
    assert spec.redis_url == "redis://ada:***@elsewhere:7000/1"
    assert not any("secret" in word for child in spec.children for word in child.command)
    assert "secret" in named(spec)["gateway"].environment["MODALMESH_REDIS_URL"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://h:1/0", "redis://h:1/0"),
        ("rediss://:p@h:1/0", "rediss://:***@h:1/0"),
        ("redis://u:p:q@r@h:1", "redis://u:***@h:1"),
        ("unix:///run/redis.sock?db=1", "unix:///run/redis.sock?db=1"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_redis_starts_first_and_stops_last_the_gateway_the_other_way_round(home: Home) -> None:
    children = mesh_spec(home, 50_050, "").children
    by_start = sorted(children, key=lambda child: child.start_rank)
    by_stop = sorted(children, key=lambda child: child.stop_rank)
    assert (by_start[0].name, by_start[-1].name) == ("redis", "gateway")
    assert (by_stop[0].name, by_stop[-1].name) == ("gateway", "redis")


def test_tuning_gives_way_to_what_the_user_has_said(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    environment = named(mesh_spec(home, 1, ""))["image-encoder"].environment
    assert "OMP_NUM_THREADS" not in environment
    assert environment["MALLOC_TRIM_THRESHOLD_"] == "268435456"
