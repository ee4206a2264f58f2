"""The named systems, each by its configuration."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from modalmesh.errors import InvalidInput
from modalmesh_services.common.backends.device import torch_device
from modalmesh_services.fusion_ranker.systems.devices import training_device
from modalmesh_services.fusion_ranker.systems.interface import Step, Training, Watch
from modalmesh_services.fusion_ranker.systems.multimodal.configuration import Configuration, TrainingSettings
from modalmesh_services.fusion_ranker.systems.multimodal.holding_out import HeldOut
from modalmesh_services.fusion_ranker.systems.multimodal.items import Items, Layout
from modalmesh_services.fusion_ranker.systems.multimodal.network import Network
from modalmesh_services.fusion_ranker.systems.multimodal.processes import Processes
from modalmesh_services.fusion_ranker.systems.multimodal.reading import configuration_of, read_configuration
from modalmesh_services.fusion_ranker.systems.multimodal.scoring import contents_of
from modalmesh_services.fusion_ranker.systems.multimodal.starting import start_signals
from modalmesh_services.fusion_ranker.systems.multimodal.states import Sampler
from modalmesh_services.fusion_ranker.systems.multimodal.trained import TrainedMultimodal, ids_of
from modalmesh_services.fusion_ranker.systems.multimodal.training import Data, Trainer

_OF_TRAINING = frozenset(field.name for field in fields(TrainingSettings))
"""May be changed by their bare names, such as epochs."""


def system(name: str, changes: Mapping[str, object] = MappingProxyType({})) -> "MultimodalSystem":
    """`changes` are settings, by path or as tables, as a TOML file has them: history.kind, or history = {kind = ...};
    those of training by their bare name too.

    Raises:
        NotFound: there is no such system.
        InvalidInput: a setting is wrong; names it.
    """
    table = asdict(read_configuration(name))
    for key, value in changes.items():
        _change(table, f"training.{key}" if key in _OF_TRAINING else key, value)
    return MultimodalSystem(configuration_of(table))


@dataclass(frozen=True, slots=True)
class MultimodalSystem:
    """`version` is raised when the code comes to give other scores."""

    settings: Configuration
    version: int = 1

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def configuration(self) -> Mapping[str, object]:
        return asdict(self.settings)

    def fit(self, training: Training) -> TrainedMultimodal:
        return self.fit_watched(training, Watch(_ignore))

    def fit_watched(self, training: Training, watch: Watch) -> TrainedMultimodal:
        """As torchrun starts it, in several processes; each gets what was learned.

        Raises:
            InvalidInput: no item has any of the modalities, there are more processes than shards, or no such device.
        """
        device = torch_device(training_device(watch.device))
        processes = Processes.joined(self.settings.training.shards, device)
        with torch.random.fork_rng():
            torch.manual_seed(self.settings.training.seed)
            return self._fit(training, watch, processes, device)

    def _fit(self, training: Training, watch: Watch, processes: Processes, device: torch.device) -> TrainedMultimodal:
        settings, catalogue = self.settings.training, training.catalogue
        held_out, histories = HeldOut.draw(training.histories, settings.held_out, settings.seed)
        layout = Layout.of(self.settings, catalogue, training.trainable)
        met = np.unique(np.concatenate([np.zeros(0, np.int32), *(each.items for each in histories)]))
        vocabulary = tuple(catalogue.item_ids[row] for row in met)
        network = Network(self.settings, layout, len(vocabulary))
        items, ids = Items.of(catalogue, layout), ids_of(catalogue.item_ids, vocabulary)
        network.items.measure(items[torch.from_numpy(training.trainable)])
        start_signals(network, histories, met)
        network, ids = network.to(device), ids.to(device)
        items = network.items.prepared(items.to(device))
        sampler = Sampler(
            histories, training.trainable, settings, self.settings.history.events, has_order=training.has_order
        )
        trainer = Trainer(
            network, Data(items, ids, training.trainable, sampler, held_out, training.has_order), processes, watch
        )
        curve = trainer.run()
        if len(held_out):
            slope, shift = held_out.calibration(trainer.held_out_scores(), training.trainable)
            network.calibration.copy_(torch.tensor([slope, shift]))
        contents = contents_of(network, items)
        return TrainedMultimodal(network, vocabulary, contents, ids, training.has_order, curve)


def _change(table: dict[str, Any], path: str, value: object) -> None:
    """A table is changed in the settings that `value` names."""
    *tables, last = path.split(".")
    for name in tables:
        table = table.get(name, {})
        if not isinstance(table, dict):
            break
    if not isinstance(table, dict) or last not in table:
        raise InvalidInput(path, "is no setting", reason="UNKNOWN")
    kept = table.get(last)
    table[last] = {**kept, **value} if isinstance(kept, dict) and isinstance(value, Mapping) else value


def _ignore(step: Step) -> None:
    """Nobody follows."""
