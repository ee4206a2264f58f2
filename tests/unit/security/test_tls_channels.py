"""Who reaches a server over TLS, what the others are told to do, and that replaced files are taken up on both sides."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from modalmesh import AsyncClient, Client, channels
from modalmesh.errors import InvalidInput, Unavailable
from modalmesh.tls import Tls
from modalmesh_services.common.configuration.settings import ServerSettings
from tests.certificates import Authority
from tests.unit.common.told import Told


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "ours")


@pytest.fixture
def theirs(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "theirs")


def content(name: str) -> bytes:
    return Path(name).read_bytes()


def put(name: str, new: bytes) -> None:
    Path(name).write_bytes(new)


@asynccontextmanager
async def serving(tls: Tls | None) -> AsyncIterator[Told]:
    files = {"tls_certificate": tls.certificate, "tls_key": tls.key, "tls_ca": tls.ca} if tls else {}
    told = Told(ServerSettings.model_validate({"grace_seconds": 0, **files}))
    await told.server.start()
    yield told
    await told.server.stop()


async def ask(address: str, tls: Tls | None) -> None:
    async with AsyncClient(address, tls=tls) as client:
        await client.get_item("lamp")


async def ask_waiting(address: str, tls: Tls | None) -> None:
    def call() -> None:
        with Client(address, tls=tls) as client:
            client.get_item("lamp")

    await asyncio.to_thread(call)


async def refusal(call: Awaitable[None]) -> tuple[str, str]:
    with pytest.raises(Unavailable) as refused:
        await call
    return refused.value.reason, refused.value.message


@pytest.mark.parametrize("call", [ask, ask_waiting])
async def test_a_caller_that_trusts_the_ca_is_answered(
    ours: Authority, call: Callable[[str, Tls | None], Awaitable[None]]
) -> None:
    async with serving(ours.issue("server", ca=False)) as told:
        await call(told.server.address, Tls(ours.ca_file))


@pytest.mark.parametrize("call", [ask, ask_waiting])
async def test_a_caller_with_its_certificate_is_answered_by_one_that_asks(
    ours: Authority, call: Callable[[str, Tls | None], Awaitable[None]]
) -> None:
    async with serving(ours.issue("server")) as told:
        await call(told.server.address, ours.issue("shopper", "shopper.example"))


async def test_a_caller_that_trusts_another_ca_is_told_which_file_to_give(ours: Authority, theirs: Authority) -> None:
    async with serving(ours.issue("server")) as told:
        reason, message = await refusal(ask(told.server.address, Tls(theirs.ca_file)))
    assert reason == "TLS_UNTRUSTED"
    assert theirs.ca_file in message
    assert "--tls-ca" in message


async def test_a_self_signed_server_is_not_trusted_by_the_public_cas(ours: Authority) -> None:
    async with serving(ours.issue("server", ca=False)) as told:
        reason, message = await refusal(ask(told.server.address, Tls(server_name="localhost")))
    assert (reason, "the public CAs" in message) == ("TLS_UNTRUSTED", True)


async def test_an_expired_certificate_is_said_to_be_so(ours: Authority) -> None:
    async with serving(ours.issue("server", expired=True, ca=False)) as told:
        reason, message = await refusal(ask(told.server.address, Tls(ours.ca_file)))
    assert (reason, "needs no restart" in message) == ("TLS_EXPIRED", True)


async def test_a_certificate_for_another_name_is_said_to_be_so_and_the_name_can_be_given(ours: Authority) -> None:
    async with serving(ours.issue("server", "mesh.example", ca=False)) as told:
        reason, message = await refusal(ask(told.server.address, Tls(ours.ca_file)))
        assert (reason, "--tls-server-name" in message) == ("TLS_WRONG_NAME", True)
        await ask(told.server.address, Tls(ours.ca_file, server_name="mesh.example"))


async def test_a_server_in_plaintext_is_said_to_be_so(ours: Authority) -> None:
    async with serving(None) as told:
        reason, message = await refusal(ask(told.server.address, Tls(ours.ca_file)))
    assert (reason, "speaks no TLS" in message) == ("TLS_PLAINTEXT_SERVER", True)


async def test_a_caller_in_plaintext_is_told_of_tls(ours: Authority) -> None:
    async with serving(ours.issue("server")) as told:
        reason, message = await refusal(ask(told.server.address, None))
    assert (reason, "--tls-ca" in message) == ("TLS_WANTED", True)


async def test_a_caller_without_a_certificate_is_told_to_give_one(ours: Authority) -> None:
    async with serving(ours.issue("server")) as told:
        reason, message = await refusal(ask(told.server.address, Tls(ours.ca_file)))
    assert (reason, "--tls-certificate" in message) == ("TLS_CERTIFICATE_WANTED", True)


async def test_a_caller_with_a_certificate_of_another_ca_is_told_which_is_refused(
    ours: Authority, theirs: Authority
) -> None:
    stranger = theirs.issue("stranger")
    async with serving(ours.issue("server")) as told:
        call = ask(told.server.address, Tls(ours.ca_file, stranger.certificate, stranger.key))
        reason, message = await refusal(call)
    assert (reason, stranger.certificate in message) == ("TLS_CERTIFICATE_REFUSED", True)


async def test_files_that_cant_be_used_are_named_before_anything_is_called(ours: Authority) -> None:
    with pytest.raises(InvalidInput, match="not-there") as refused:
        Client("127.0.0.1:1", tls=Tls(str(ours.folder / "not-there")))
    assert refused.value.field == "ca"


async def test_a_server_takes_up_a_replaced_certificate_at_the_next_connection(ours: Authority) -> None:
    async with serving(ours.issue("server", expired=True, ca=False)) as told:
        assert (await refusal(ask(told.server.address, Tls(ours.ca_file))))[0] == "TLS_EXPIRED"
        ours.issue("server")
        await ask(told.server.address, Tls(ours.ca_file))


async def test_a_server_takes_up_a_replaced_ca(ours: Authority, theirs: Authority) -> None:
    stranger = theirs.issue("stranger")
    tls = Tls(ours.ca_file, stranger.certificate, stranger.key)
    server = ours.issue("server")
    trusted = str(ours.folder / "trusted.pem")
    put(trusted, content(ours.ca_file))
    async with serving(Tls(trusted, server.certificate, server.key)) as told:
        assert (await refusal(ask(told.server.address, tls)))[0] == "TLS_CERTIFICATE_REFUSED"
        put(trusted, content(theirs.ca_file))
        await ask(told.server.address, tls)


async def test_a_server_keeps_its_certificate_while_the_new_one_is_torn(
    ours: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    server = ours.issue("server", ca=False)
    async with serving(server) as told:
        put(server.certificate, b"-----BEGIN CERTIFICATE-----\n")
        for _ in range(3):
            await ask(told.server.address, Tls(ours.ca_file))
    told_of = [record for record in caplog.records if "can't be used" in record.message]
    assert len(told_of) == 1


async def test_a_server_keeps_its_certificate_while_the_new_ones_key_is_not_there_yet(ours: Authority) -> None:
    server = ours.issue("server", ca=False)
    key = content(server.key)
    async with serving(server) as told:
        ours.issue("server")
        new_key = content(server.key)
        put(server.key, key)
        await ask(told.server.address, Tls(ours.ca_file))
        put(server.key, new_key)
        await ask(told.server.address, Tls(ours.ca_file))


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Channels look at their files before each call."""
    monkeypatch.setattr(channels, "_LOOK_SECONDS", 0.0)


@pytest.mark.usefixtures("at_once")
async def test_a_client_goes_on_with_a_replaced_certificate_and_finishes_what_is_under_way(ours: Authority) -> None:
    shopper = ours.issue("shopper")
    async with serving(ours.issue("server")) as told, AsyncClient(told.server.address, tls=shopper) as client:
        peers: list[str] = []

        async def note(context: grpc.aio.ServicerContext) -> None:  # type: ignore[type-arg]  # generic in stubs alone
            peers.append(context.peer())

        told.behaviour = note
        await client.get_item("lamp")
        await client.get_item("lamp")
        entered, leave = told.waits()
        under_way = asyncio.create_task(client.get_item("lamp"))
        await entered.wait()
        ours.issue("shopper")
        told.behaviour = note
        await client.get_item("lamp")
        leave.set()
        await under_way
    assert peers[0] == peers[1] != peers[2]


@pytest.mark.usefixtures("at_once")
async def test_a_waiting_client_goes_on_with_a_replaced_certificate(ours: Authority, theirs: Authority) -> None:
    stranger = theirs.issue("shopper")
    server = ours.issue("server")
    async with serving(server) as told:
        with Client(told.server.address, tls=Tls(ours.ca_file, stranger.certificate, stranger.key)) as client:
            with pytest.raises(Unavailable):
                await asyncio.to_thread(client.get_item, "lamp")
            own = ours.issue("shopper")
            put(stranger.certificate, content(own.certificate))
            put(stranger.key, content(own.key))
            await asyncio.to_thread(client.get_item, "lamp")


@pytest.mark.usefixtures("at_once")
async def test_a_waiting_client_finishes_what_is_under_way_on_the_connection_that_it_leaves(ours: Authority) -> None:
    async with serving(ours.issue("server")) as told:
        with Client(told.server.address, tls=ours.issue("shopper")) as client:
            entered, leave = told.waits()
            under_way = asyncio.create_task(asyncio.to_thread(client.get_item, "lamp"))
            await entered.wait()
            ours.issue("shopper")
            told.behaviour = told.nothing
            await asyncio.to_thread(client.get_item, "lamp")
            gc.collect()
            leave.set()
            await under_way
