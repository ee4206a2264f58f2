"""The model in a process of its own: requests that are arrays already, ranked one after the other."""

import time
from collections.abc import Sequence

from benchmarks.workers import OwnProcess
from modalmesh.v1.fusion_ranker_service_pb2 import FusionRankerRankRequest
from modalmesh_services.fusion_ranker.convert import rank_request
from modalmesh_services.fusion_ranker.loading import limits, load
from modalmesh_services.fusion_ranker.models.interface import ModelDescription, RankerModel
from modalmesh_services.fusion_ranker.settings import FusionRankerSettings

_loaded: list[tuple[FusionRankerSettings, RankerModel]] = []


class Forward(OwnProcess):
    """`model` is what the service's setting of that name is: zero-shot, or a bundle's folder."""

    def __init__(self, model: str) -> None:
        super().__init__()
        self.description = self._ask(_load, model)

    def seconds(self, requests: Sequence[bytes]) -> list[float]:
        """What the model takes for each."""
        return self._ask(_seconds, requests)


def _load(model: str) -> ModelDescription:
    settings = FusionRankerSettings(model=model)
    _loaded.append((settings, load(settings)))
    return _loaded[0][1].description


def _seconds(requests: Sequence[bytes]) -> list[float]:
    settings, model = _loaded[0]
    bounds = limits(settings, model.description)
    decoded = [rank_request(FusionRankerRankRequest.FromString(each), bounds) for each in requests]
    model.rank(decoded[0])
    spent = []
    for request in decoded:
        started = time.perf_counter()
        model.rank(request)
        spent.append(time.perf_counter() - started)
    return spent
