"""An evaluation asks a ranker for the fused vectors of items as the gateway does."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from modalmesh.embeddings import Embeddings, ModelId
from modalmesh.types import Item
from modalmesh_gateway.building import Basis
from modalmesh_gateway.convert import fuse_request as sent
from modalmesh_gateway.store import ItemRecord, TokenVectors
from modalmesh_services.fusion_ranker.convert import fuse_request as received
from modalmesh_services.fusion_ranker.dataset import Tokens
from modalmesh_services.fusion_ranker.dataset.reading import build_catalogue
from modalmesh_services.fusion_ranker.evaluation.served import Served
from modalmesh_services.fusion_ranker.limits import RankerLimits
from modalmesh_services.fusion_ranker.models.zero_shot import ZeroShotConfig, ZeroShotRanker
from modalmesh_services.fusion_ranker.requests import FuseRequest, ItemTokens

LIMITS = RankerLimits(100, 100, 100, 100, 100, 100)
ITEMS = [
    Item("lamp", title="Lamp", tags=("blue", "big"), attributes={"size": ("1", "2")}, time_ms=5),
    Item("shoe", title="Shoe", tags=("big", "blue")),
    Item("bare", tags=("blue",), attributes={"size": ("1",)}),
    Item("film", attributes={"size": ("2",)}),
]
TEXTS = {"lamp": ("title", "tags"), "shoe": ("title",)}
IMAGES = {"lamp": ("picture",), "film": ("frame", "frame")}


class Watched(ZeroShotRanker):
    def __init__(self) -> None:
        super().__init__(ZeroShotConfig(text_dim=2, image_dim=3))
        self.asked: list[FuseRequest] = []

    def fuse(self, request: FuseRequest) -> npt.NDArray[np.float32]:
        self.asked.append(request)
        return super().fuse(request)


def vectors(labels: Sequence[str], dim: int, first: int) -> npt.NDArray[np.float32]:
    return np.eye(dim, dtype=np.float32)[[(first + place) % dim for place in range(len(labels))]]


def stored(labels: tuple[str, ...] | None, dim: int, first: int) -> TokenVectors | None:
    if labels is None:
        return None
    return TokenVectors(Embeddings(vectors(labels, dim, first), ModelId("m", "")), labels, ("hash",) * len(labels))


def plain(item: ItemTokens) -> dict[str, Any]:
    """The order of attributes and of their values means nothing."""
    attributes = {name: sorted(values) for name, values in (item.attributes or {}).items()}
    return {**asdict(item), "attributes": attributes}


def test_items_are_fused_from_what_the_gateway_sends() -> None:
    basis = Basis("ranker", "", "")
    records = [
        ItemRecord(
            item,
            "",
            stored(TEXTS.get(item.item_id), 2, at),
            stored(IMAGES.get(item.item_id), 3, at),
            None,
            "",
            frozenset(),
        )
        for at, item in enumerate(ITEMS)
    ]
    inputs = [basis.input_of(record) for record in records]
    wanted = received(sent([each for each in inputs if each.text or each.image]), LIMITS)

    text, image = (
        Tokens.collect(
            (vectors(own.get(item.item_id, ()), dim, at), own.get(item.item_id, ())) for at, item in enumerate(ITEMS)
        )
        for own, dim in ((TEXTS, 2), (IMAGES, 3))
    )
    model = Watched()
    served = Served.of(model, replace(build_catalogue(ITEMS), text=text, image=image), np.zeros(4, np.int64))
    (asked,) = model.asked

    np.testing.assert_array_equal(asked.text.values, wanted.text.values)
    np.testing.assert_array_equal(asked.image.values, wanted.image.values)
    assert [plain(each) for each in asked.items] == [plain(each) for each in wanted.items]
    assert "tags" in plain(asked.items[0])["attributes"]
    assert served.fused.tolist() == [True, True, False, True]
