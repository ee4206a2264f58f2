from pathlib import Path

import pytest

from modalmesh.tls import Tls
from modalmesh_gateway.settings import GatewaySettings
from tests.certificates import Authority


@pytest.mark.parametrize(
    "url",
    ["", "localhost:6379", "http://reader:opensesame@cache", "redis://reader:opensesame@cache:port", "redis://[::1"],
)
def test_a_redis_that_cannot_be_reached_by_its_url_is_refused_without_its_password(
    capsys: pytest.CaptureFixture[str], url: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        GatewaySettings.load("gateway", "", [f"--redis-url={url}"])
    told = capsys.readouterr().err
    assert caught.value.code == 2
    assert told.startswith("gateway: --redis-url (MODALMESH_REDIS_URL): ")
    assert "opensesame" not in told


@pytest.mark.parametrize("url", ["redis://cache", "rediss://:opensesame@cache:6380/1", "unix:///run/redis.sock?db=1"])
def test_what_redis_can_be_reached_by_is_taken(url: str) -> None:
    settings = GatewaySettings.load("gateway", "", [f"--redis-url={url}", f"--cache-url={url}"])
    assert (settings.redis_url, settings.cache_url) == (url, url)


def test_no_cache_of_its_own_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODALMESH_CACHE_URL", "")
    assert GatewaySettings.load("gateway", "", []).cache_url == ""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "ca")


def flags(tls: Tls, prefix: str = "") -> list[str]:
    given = {"certificate": tls.certificate, "key": tls.key, "ca": tls.ca}
    return [f"--{prefix}tls-{field}={file}" for field, file in given.items() if file]


def services_tls(*arguments: str) -> Tls | None:
    return GatewaySettings.load("gateway", "", arguments).services_tls


def test_services_are_called_by_what_callers_see_unless_told_otherwise(authority: Authority, tmp_path: Path) -> None:
    shown = authority.issue("gateway")
    inner = Authority.create(tmp_path / "inner").issue("inner")
    assert services_tls() is None
    assert services_tls(*flags(shown)) == shown
    assert services_tls(*flags(shown), *flags(inner, "services-")) == inner
    assert services_tls(*flags(shown), f"--services-tls-ca={inner.ca}") == Tls(inner.ca, shown.certificate, shown.key)
    assert services_tls(f"--services-tls-ca={inner.ca}") == Tls(inner.ca)


def test_metrics_are_shown_as_services_show_theirs(authority: Authority, tmp_path: Path) -> None:
    shown = authority.issue("gateway")
    inner = Authority.create(tmp_path / "inner").issue("inner")

    def metrics(*arguments: str) -> Tls | None:
        return GatewaySettings.load("gateway", "", arguments).shown_metrics_tls

    assert metrics(*flags(shown), *flags(inner, "services-")) is None
    assert metrics(*flags(shown), "--metrics-tls=true") == shown
    assert metrics(*flags(shown), f"--services-tls-ca={inner.ca}", "--metrics-tls=true") == shown
    assert metrics(*flags(shown), *flags(inner, "services-"), "--metrics-tls=true") == inner


def test_a_gateway_without_any_ca_calls_its_services_in_plaintext(authority: Authority) -> None:
    assert services_tls(*flags(authority.issue("gateway", ca=False))) is None


def test_files_for_services_that_cant_be_used_exit_2_and_are_named(
    authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = authority.issue("inner", ca=False)
    for given, said in (
        (
            [f"--services-tls-certificate={inner.certificate}"],
            "--services-tls-key (MODALMESH_SERVICES_TLS_KEY): is",
        ),
        (flags(inner, "services-"), "--services-tls-ca (MODALMESH_SERVICES_TLS_CA): is needed with services_tls_cert"),
        (["--services-tls-ca=none.pem"], "--services-tls-ca (MODALMESH_SERVICES_TLS_CA): none.pem can't be read"),
    ):
        with pytest.raises(SystemExit) as caught:
            services_tls(*given)
        assert caught.value.code == 2
        assert said in capsys.readouterr().err
