"""Named systems that cost no training."""

import torch

from modalmesh_services.fusion_ranker.systems.interface import Parts
from modalmesh_services.fusion_ranker.systems.multimodal.items import Items, Layout
from modalmesh_services.fusion_ranker.systems.multimodal.learning import system
from modalmesh_services.fusion_ranker.systems.multimodal.network import Network
from modalmesh_services.fusion_ranker.systems.multimodal.trained import TrainedMultimodal, ids_of
from tests.unit.fusion_ranker.systems.multimodal.made import TINY, catalogue, cold_training


def untrained_parts(name: str) -> Parts:
    """Of a network that has learned nothing, but knows its items' vectors and two thirds of them by their ids."""
    settings, made, trainable = system(name, TINY).settings, catalogue(), cold_training().trainable
    vocabulary = made.item_ids[:30]
    layout = Layout.of(settings, made, trainable)
    torch.manual_seed(0)
    network = Network(settings, layout, len(vocabulary)).eval()
    network.items.measure(Items.of(made, layout)[torch.from_numpy(trainable)])
    ids = ids_of(made.item_ids, vocabulary)
    return TrainedMultimodal(network, vocabulary, torch.zeros(0), ids, has_order=True, curve=()).parts()
