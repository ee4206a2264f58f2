"""Who gets to see metrics over TLS, on real sockets."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from modalmesh.tls import Tls
from modalmesh_services.common.configuration.settings import ServerSettings
from modalmesh_services.common.server import MeshServer
from tests.certificates import Authority
from tests.unit.common.test_telemetry import free_port

HOST = "127.0.0.1"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "ours")


@asynccontextmanager
async def showing(tls: Tls, *, metrics_tls: bool = True) -> AsyncIterator[int]:
    """The metrics port of a server that has these files."""
    port = free_port()
    files = {"tls_certificate": tls.certificate, "tls_key": tls.key, "tls_ca": tls.ca}
    settings = ServerSettings.model_validate(
        {**files, "metrics_port": port, "metrics_tls": metrics_tls, "grace_seconds": 0}
    )
    server = MeshServer(settings, ["a.Service"])
    await server.start()
    yield port
    await server.stop()


async def scrape(port: int, tls: Tls | None) -> bool:
    """Whether metrics are shown to this one."""

    def ask() -> bytes:
        context = ssl.create_default_context(cafile=tls.ca) if tls else None
        if context and tls and tls.certificate:
            context.load_cert_chain(tls.certificate, tls.key)
        address = f"{'https' if tls else 'http'}://{HOST}:{port}/metrics"
        with urlopen(address, timeout=5, context=context) as answer:  # noqa: S310 - http or https, as just said
            return bytes(answer.read())

    try:
        return b"process_resident_memory_bytes" in await asyncio.to_thread(ask)
    except OSError:
        return False


async def test_a_scraper_that_trusts_the_ca_sees_them(authority: Authority) -> None:
    async with showing(authority.issue("server", ca=False)) as port:
        assert await scrape(port, Tls(authority.ca_file))


async def test_plaintext_is_not_answered(authority: Authority) -> None:
    async with showing(authority.issue("server", ca=False)) as port:
        assert not await scrape(port, None)


async def test_where_callers_must_show_a_certificate_so_must_a_scraper(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority.create(tmp_path / "theirs").issue("stranger")
    async with showing(authority.issue("server")) as port:
        assert await scrape(port, authority.issue("prometheus", "prometheus.example"))
        for refused in (Tls(authority.ca_file), Tls(authority.ca_file, stranger.certificate, stranger.key)):
            assert not await scrape(port, refused)


async def test_a_renewed_certificate_is_taken_up(authority: Authority) -> None:
    async with showing(authority.issue("server", ca=False, expired=True)) as port:
        assert not await scrape(port, Tls(authority.ca_file))
        authority.issue("server")
        assert await scrape(port, Tls(authority.ca_file))


async def test_who_never_finishes_a_handshake_holds_up_nobody(authority: Authority) -> None:
    async with showing(authority.issue("server", ca=False)) as port:
        with socket.create_connection((HOST, port)):
            assert await scrape(port, Tls(authority.ca_file))


async def test_they_stay_in_plaintext_unless_told_otherwise(authority: Authority) -> None:
    async with showing(authority.issue("server"), metrics_tls=False) as port:
        assert await scrape(port, None)


async def test_who_hangs_up_leaves_no_traceback(authority: Authority, capfd: pytest.CaptureFixture[str]) -> None:
    async with showing(authority.issue("server", ca=False)) as port:
        with socket.create_connection((HOST, port)) as caller:
            caller.sendall(b"no handshake")
        assert await scrape(port, Tls(authority.ca_file))
    assert "Traceback" not in capfd.readouterr().err


class Failing(Collector):
    def collect(self) -> Iterator[Metric]:
        raise KeyError("what ada wrote")


async def test_a_defect_is_a_record_and_no_answer(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    server = MeshServer(ServerSettings(metrics_port=port, grace_seconds=0), ["a.Service"])
    server.metrics.register(Failing())
    await server.start()
    assert not await scrape(port, None)
    await server.stop()
    assert "metrics can't be shown" in caplog.text
    assert "Traceback" not in capfd.readouterr().err


def test_without_a_certificate_it_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        ServerSettings.load("toy", "", ["--metrics-tls=true"])
    assert caught.value.code == 2
    assert "--metrics-tls (METRICS_TLS): is of no use without tls_certificate" in capsys.readouterr().err
