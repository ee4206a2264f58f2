from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pytest
import torch

from modalmesh_services.fusion_ranker.systems.multimodal.items import Items, Layout
from modalmesh_services.fusion_ranker.systems.multimodal.learning import system
from modalmesh_services.fusion_ranker.systems.multimodal.losses import ShardLoss
from modalmesh_services.fusion_ranker.systems.multimodal.network import Network
from modalmesh_services.fusion_ranker.systems.multimodal.scoring import contents_of, score_all
from modalmesh_services.fusion_ranker.systems.multimodal.starting import start_signals
from modalmesh_services.fusion_ranker.systems.multimodal.states import NOTHING, Pasts, Shard
from tests.unit.fusion_ranker.systems.multimodal.made import ITEMS, TINY, catalogue, history, training

IDS = torch.arange(1, ITEMS + 1)
KNOWN = history(0)[:6]


@dataclass(frozen=True)
class World:
    network: Network
    items: Items

    @classmethod
    def of(cls, name: str = "FeatureAligner", changes: Mapping[str, object] = MappingProxyType({})) -> "World":
        settings = system(name, {**TINY, **changes}).settings
        layout = Layout.of(settings, catalogue(), np.ones(ITEMS, np.bool_))
        torch.manual_seed(0)
        network = Network(settings, layout, ITEMS).eval()
        return cls(network, network.items.prepared(Items.of(catalogue(), layout)))

    def cost(self, part: Shard) -> float:
        torch.manual_seed(1)
        return ShardLoss(self.network, self.items, IDS)(part).parts["targets"].item()


def shard(targets: list[int], others: list[int]) -> Shard:
    """Of one user; all may be drawn alike."""
    pasts = Pasts.of([KNOWN], np.array([KNOWN.last_time_ms], np.int64), 10, has_order=True)
    allowed = torch.ones(1, len(others), dtype=torch.bool)
    return Shard(pasts, torch.tensor([targets]), torch.tensor(others), allowed, torch.ones(len(others)), 1.0)


def test_the_loss_is_the_softmax_over_the_target_and_the_rest() -> None:
    world = World.of()
    others = [item for item in range(ITEMS) if item != 5]
    contents, times = contents_of(world.network, world.items), np.array([KNOWN.last_time_ms], np.int64)
    scores = torch.from_numpy(score_all(world.network, contents, IDS, [KNOWN], times, has_order=True)[0])
    expected = scores.logsumexp(dim=0) - scores[5]
    assert world.cost(shard([5], others)) == pytest.approx(expected.item(), rel=1e-4)


def test_who_is_drawn_rarely_stands_for_many() -> None:
    world = World.of()
    twice, half = shard([5], [1, 1, 2, 2]), shard([5], [1, 2])
    assert world.cost(replace(half, chances=torch.full((2,), 0.5))) == pytest.approx(world.cost(twice), rel=1e-5)


@pytest.mark.parametrize("kind", ["softmax", "bce"])
def test_padding_of_targets_and_what_is_not_allowed_do_not_count(kind: str) -> None:
    world, part = World.of(changes={"loss": kind}), shard([5, NOTHING], [1, 2, 3, 9])
    barred = replace(part, allowed=torch.tensor([[True, True, True, False]]))
    assert world.cost(barred) == pytest.approx(world.cost(shard([5], [1, 2, 3])), rel=1e-5)
    assert world.cost(part) != pytest.approx(world.cost(barred), rel=1e-5)


def test_what_is_learned_by_id_is_dropped_in_training_alone() -> None:
    world, part = World.of(changes={"collaborative.dropout": 1.0}), shard([5], [1, 2, 3])
    assert world.network.ids is not None
    for training_now in (False, True):
        world.network.train(training_now)
        before = world.cost(part)
        with torch.no_grad():
            world.network.ids.weight[1:] += torch.randn(ITEMS, 8)
        assert (world.cost(part) == before) is training_now


def test_confidence_is_that_of_each_modality_alone() -> None:
    world = World.of("MultiModalProductRecommender")
    confidence = ShardLoss(world.network, world.items, IDS)(shard([5, 9], [1, 2, 3])).confidence
    assert confidence.shape == (4,)
    assert ((confidence > 0) & (confidence < 1)).all()
    # Items 1, 5 and 11 have frames, 0, 4 and 8 have no picture: what says nothing leaves it to the number of items.
    blind = ShardLoss(world.network, world.items, IDS)(shard([4], [0, 8])).confidence
    assert blind[world.network.items.names.index("image")].item() == pytest.approx(1 / 3, rel=1e-4)


def test_neighbours_are_those_liked_together_and_never_by_one_user_alone() -> None:
    network = World.of("MultiModalAttention", {"collaborative.signals": ["item_item"]}).network
    histories = training().histories
    start_signals(network, histories, np.arange(ITEMS, dtype=np.int32))
    liked = np.zeros((len(histories), ITEMS))
    for user, own in enumerate(histories):
        liked[user, own.liked] = 1
    together, neighbours = liked.T @ liked, network.signals["item_item"].neighbours
    assert isinstance(neighbours, torch.Tensor)
    for item in range(ITEMS):
        near = [each - 1 for each in neighbours[item + 1].tolist() if each]
        assert near
        assert item not in near
        assert all(together[item, other] >= 2 for other in near)
