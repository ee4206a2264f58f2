"""A whole mesh under mutual TLS: it does what it does in plaintext, and no server answers who shows no certificate."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from modalmesh import AsyncClient, Client
from modalmesh.channels import open_aio_channel
from modalmesh.errors import Unavailable
from modalmesh.tls import Tls
from tests.certificates import Authority
from tests.integration.gateway.meshes import Mesh, Replica, running_mesh, until_answer
from tests.integration.gateway.shop import SHOP, rating
from tests.valkey import ValkeyProcess

SERVERS = ("gateway", "text-encoder", "image-encoder", "fusion-ranker")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "ours")


@pytest.fixture
async def secured(authority: Authority, valkey: ValkeyProcess) -> AsyncIterator[Mesh]:
    files = authority.issue("mesh")
    async with running_mesh(
        valkey, tls_certificate=files.certificate, tls_key=files.key, tls_ca=files.ca, part_seconds=5.0
    ) as mesh:
        await mesh.client.upsert_items(SHOP)
        yield mesh


async def health(address: str, tls: Tls | None) -> str:
    """SERVING, or the status with which the call failed."""
    channel = open_aio_channel(address, tls, [("grpc.use_local_subchannel_pool", 1)])
    check = channel.unary_unary(
        "/grpc.health.v1.Health/Check", HealthCheckRequest.SerializeToString, HealthCheckResponse.FromString
    )
    try:
        return HealthCheckResponse.ServingStatus.Name((await check(HealthCheckRequest(), timeout=10)).status)
    except grpc.aio.AioRpcError as error:
        return error.code().name
    finally:
        await channel.close()


async def healths(mesh: Mesh, tls: Tls | None) -> dict[str, str]:
    """Each server's."""
    addresses = (mesh.address, mesh.text_server.address, mesh.image_server.address, mesh.ranker_server.address)
    return dict(zip(SERVERS, [await health(address, tls) for address in addresses], strict=True))


async def test_items_go_in_and_come_back_ranked(secured: Mesh) -> None:
    await secured.client.record_events([rating("ada", "red-mug")])
    ranked = await secured.client.recommend("ada", 3)
    assert not ranked.served.degraded
    assert len(ranked.items) == 3
    assert (await secured.client.search_items("desk lamp", k=1)).items[0].item_id == "lamp"


async def test_the_gateway_reaches_every_service(secured: Mesh) -> None:
    status = await secured.client.status()
    assert {each.name: each.serving for each in status.services} == dict.fromkeys(SERVERS[1:], True)


def ask_by_the_waiting_client(address: str, tls: Tls) -> int:
    with Client(address, "shop", tls=tls) as client:
        return len(list(client.list_items()))


async def test_the_waiting_client_speaks_tls_too(secured: Mesh, authority: Authority) -> None:
    shopper = authority.issue("shopper", "shopper.example")
    assert await asyncio.to_thread(ask_by_the_waiting_client, secured.address, shopper) == len(SHOP)


async def test_a_caller_with_a_certificate_of_the_ca_is_answered(secured: Mesh, authority: Authority) -> None:
    probe = authority.issue("probe", "probe.example")
    assert await healths(secured, probe) == dict.fromkeys(SERVERS, "SERVING")


async def test_a_caller_without_a_certificate_is_refused_by_each(secured: Mesh, authority: Authority) -> None:
    assert await healths(secured, Tls(authority.ca_file)) == dict.fromkeys(SERVERS, "UNAVAILABLE")


async def test_a_certificate_of_another_ca_is_refused_by_each(
    secured: Mesh, authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority.create(tmp_path / "theirs").issue("stranger")
    foreign = Tls(authority.ca_file, stranger.certificate, stranger.key)
    assert await healths(secured, foreign) == dict.fromkeys(SERVERS, "UNAVAILABLE")


async def test_plaintext_is_refused_by_each(secured: Mesh) -> None:
    assert await healths(secured, None) == dict.fromkeys(SERVERS, "UNAVAILABLE")


async def test_a_caller_with_an_expired_certificate_is_refused(secured: Mesh, authority: Authority) -> None:
    late = authority.issue("late", expired=True)
    async with AsyncClient(secured.address, tls=late) as client:
        with pytest.raises(Unavailable, match="may have expired") as refused:
            await client.status()
    assert refused.value.reason == "TLS_CERTIFICATE_REFUSED"


async def test_a_gateway_that_no_service_trusts_lacks_them_all_and_answers(secured: Mesh, tmp_path: Path) -> None:
    stranger = Authority.create(tmp_path / "theirs").issue("stranger")
    names = {"tls_certificate": stranger.certificate, "tls_key": stranger.key, "tls_ca": stranger.ca}
    async with secured.another_gateway(**names) as replica:
        status = await replica.client.status()
        assert not any(each.serving for each in status.services)


async def restart_services(mesh: Mesh) -> None:
    """So that the gateway has to connect anew."""
    for service in (mesh.text_server, mesh.image_server, mesh.ranker_server):
        await service.stop()
        await service.start()


async def test_renewed_certificates_are_taken_up_by_all_without_a_restart_of_the_gateway(
    secured: Mesh, authority: Authority
) -> None:
    authority.issue("mesh", expired=True)
    await restart_services(secured)
    probe = authority.issue("probe", "probe.example")
    assert await healths(secured, probe) == dict.fromkeys(SERVERS, "UNAVAILABLE")

    authority.issue("mesh")
    assert await healths(secured, probe) == dict.fromkeys(SERVERS, "SERVING")
    await until_answer(secured.client.status, lambda status: all(each.serving for each in status.services))
    assert not (await secured.client.search_items("desk lamp")).served.degraded


def two_cas(callers: Tls, services: Tls) -> dict[str, str]:
    """A gateway's settings."""
    return {
        f"{prefix}tls_{field}": getattr(files, field)
        for prefix, files in (("", callers), ("services_", services))
        for field in ("certificate", "key", "ca")
    }


async def all_serve(replica: Replica, expected: bool) -> None:
    await until_answer(replica.client.status, lambda status: all(each.serving == expected for each in status.services))


async def test_callers_and_services_are_known_by_a_ca_of_their_own_each(
    secured: Mesh, authority: Authority, tmp_path: Path
) -> None:
    company = Authority.create(tmp_path / "company")
    async with secured.another_gateway(**two_cas(company.issue("gateway"), authority.issue("inner"))) as replica:
        await all_serve(replica, True)
        assert not (await replica.client.search_items("desk lamp")).served.degraded
        assert await health(replica.address, company.issue("probe")) == "SERVING"
        assert await health(replica.address, authority.issue("probe")) == "UNAVAILABLE"


async def test_a_renewed_certificate_for_services_is_taken_up(
    secured: Mesh, authority: Authority, tmp_path: Path
) -> None:
    company = Authority.create(tmp_path / "company")
    late = authority.issue("inner", expired=True)
    async with secured.another_gateway(**two_cas(company.issue("gateway"), late)) as replica:
        await all_serve(replica, False)
        authority.issue("inner")
        await all_serve(replica, True)


async def test_a_gateway_in_plaintext_may_call_its_services_over_tls(secured: Mesh, authority: Authority) -> None:
    async with secured.another_gateway(**two_cas(Tls(), authority.issue("inner"))) as replica:
        await all_serve(replica, True)
        assert await health(replica.address, None) == "SERVING"
