import pytest

from modalmesh_gateway.settings import GatewaySettings


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
