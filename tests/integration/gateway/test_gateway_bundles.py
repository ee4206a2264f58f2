"""Trained bundles behind a gateway: one takes over from another, and one that doesn't fit the encoders isn't used."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from modalmesh.embeddings import ModelId
from modalmesh.types import RankedItems
from modalmesh_services.common.server import MeshServer
from modalmesh_services.fusion_ranker.__main__ import build
from modalmesh_services.fusion_ranker.bundle import Encoders, Learned, write_bundle
from modalmesh_services.fusion_ranker.settings import FusionRankerSettings
from modalmesh_services.fusion_ranker.systems.interface import Parts
from tests.fakes import IMAGE_DIM, TEXT_DIM
from tests.integration.gateway.meshes import Mesh, until_answer
from tests.integration.gateway.shop import rating
from tests.unit.fusion_ranker.tiny.learning import NAME
from tests.unit.fusion_ranker.tiny.registered import register

FIRST = ModelId("fake", "first")


@pytest.fixture(autouse=True)
def tiny_system(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def write(folder: Path, liked: Mapping[str, float], text: ModelId = FIRST) -> str:
    parts = Parts({}, {"liked": np.array(list(liked.values()), np.float32)}, tuple(liked))
    return write_bundle(folder, Learned(NAME, 1, {}, ""), Encoders(text, FIRST, TEXT_DIM, IMAGE_DIM), parts, {}, "")


def serving(folder: Path) -> Callable[[int], Awaitable[MeshServer]]:
    async def serve(port: int) -> MeshServer:
        server, core = build(FusionRankerSettings(model=str(folder), port=port, grace_seconds=0))
        await server.start()
        await core.start()
        await server.set_serving(True)
        return server

    return serve


async def until_served_by(shop: Mesh, revision: str) -> RankedItems:
    answer: RankedItems = await until_answer(
        lambda: shop.client.recommend("ada", k=10), lambda answer: answer.served.ranker_revision == revision
    )
    return answer


async def test_a_bundle_takes_over_from_zero_shot_and_another_bundle_from_it(shop: Mesh, tmp_path: Path) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    for number, best in enumerate(("bulb", "poster")):
        revision = write(tmp_path / str(number), {"lamp": 5.0, best: 99.0})
        await shop.ranker_server.replace(serving(tmp_path / str(number)))
        answer = await until_served_by(shop, revision)
        assert (answer.served.served_by, answer.served.lacked) == ("rank", ())
        assert [item.item_id for item in answer.items][:2] == [best, "lamp"]
    await shop.until_completed()


async def test_a_bundle_for_another_encoder_is_not_used_and_the_answers_say_so(shop: Mesh, tmp_path: Path) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    write(tmp_path / "bundle", {"lamp": 5.0}, text=ModelId("fake", "second"))
    await shop.ranker_server.replace(serving(tmp_path / "bundle"))
    answer = await until_answer(
        lambda: shop.client.recommend("ada", k=10), lambda answer: answer.served.served_by == "retrieval"
    )
    assert {lack.part for lack in answer.served.lacked} == {"fusion-ranker"}
    assert len(answer.items) == 5


async def test_it_is_used_as_soon_as_that_encoder_serves(shop: Mesh, tmp_path: Path) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    revision = write(tmp_path / "bundle", {"lamp": 99.0}, text=ModelId("fake", "second"))
    await shop.ranker_server.replace(serving(tmp_path / "bundle"))
    shop.text.fingerprint = "second"
    assert (await until_served_by(shop, revision)).items[0].item_id == "lamp"
