"""The command by which probes ask a server for its health."""

import asyncio
from pathlib import Path

import pytest

from modalmesh.local.processes import free_ports
from modalmesh_services.common.configuration.settings import ServerSettings
from modalmesh_services.common.health_check import main
from tests.certificates import Authority
from tests.unit.common.told import Told


async def check(*arguments: str) -> int:
    return await asyncio.to_thread(main, arguments)


async def test_it_ends_with_0_once_the_server_is_serving(told: Told) -> None:
    assert await check(told.server.address) == 1
    await told.server.set_serving(True)
    assert await check(told.server.address) == 0


def test_it_ends_with_1_where_nobody_listens() -> None:
    (port,) = free_ports(1)
    assert main([f"127.0.0.1:{port}"]) == 1


async def test_it_asks_over_mutual_tls_by_another_name(tmp_path: Path) -> None:
    files = Authority.create(tmp_path).issue("server", "localhost")
    tls = {"tls_certificate": files.certificate, "tls_key": files.key, "tls_ca": files.ca}
    told = Told(ServerSettings.model_validate({"grace_seconds": 0, **tls}))
    await told.server.start()
    await told.server.set_serving(True)
    shown = (f"--tls-ca={files.ca}", f"--tls-certificate={files.certificate}", f"--tls-key={files.key}")
    assert await check(told.server.address, *shown, "--tls-server-name=localhost") == 0
    assert await check(told.server.address, *shown) == 1
    assert await check(told.server.address) == 1
    await told.server.stop()


def test_a_file_that_cant_be_used_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["127.0.0.1:1", "--tls-ca=gone.pem"])
    assert caught.value.code == 2
    assert "--tls-ca: gone.pem can't be read" in capsys.readouterr().err
