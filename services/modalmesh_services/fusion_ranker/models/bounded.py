"""A model on a GPU, whose memory may not do for a call: that call is refused, and the model goes on."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from modalmesh.embeddings import FloatMatrix
from modalmesh.errors import Overloaded
from modalmesh.types import Explanation
from modalmesh_services.common.backends.device import Device
from modalmesh_services.fusion_ranker.models.interface import (
    ModelDescription,
    Probabilities,
    ProposedItem,
    RankerModel,
    UserQueries,
)
from modalmesh_services.fusion_ranker.requests import (
    ExplainRequest,
    FuseRequest,
    ProposeRequest,
    RankRequest,
    UserRequest,
)

Request = TypeVar("Request")
Answer = TypeVar("Answer")

NO_MEMORY = "DEVICE_MEMORY"
_ADVICE = "ask for fewer items at once, or give the fusion-ranker more of the device"


def within_memory(work: Callable[[], Answer], device: Device, advice: str) -> Answer:
    """Raises:
    Overloaded: the device had no memory left for it; says which device, and gives the advice.
    """
    try:
        return work()
    except torch.OutOfMemoryError:
        # What the work had made goes with the error's traceback, and only then can its memory be given back.
        pass
    torch.cuda.empty_cache()
    raise Overloaded(f"{device} has no memory left for this: {advice}", reason=NO_MEMORY)


class BoundedRanker:
    """A RankerModel. Its methods are the model's; they raise Overloaded where the device has no memory left."""

    def __init__(self, model: RankerModel, device: Device) -> None:
        self._model, self._device = model, device

    @property
    def description(self) -> ModelDescription:
        return self._model.description

    def fuse(self, request: FuseRequest) -> FloatMatrix:
        return self._bounded(self._model.fuse, request)

    def encode_user(self, request: UserRequest) -> UserQueries:
        return self._bounded(self._model.encode_user, request)

    def propose(self, request: ProposeRequest) -> Sequence[ProposedItem]:
        return self._bounded(self._model.propose, request)

    def rank(self, request: RankRequest) -> Probabilities:
        return self._bounded(self._model.rank, request)

    def explain(self, request: ExplainRequest) -> Sequence[Explanation]:
        return self._bounded(self._model.explain, request)

    def _bounded(self, work: Callable[[Request], Answer], request: Request) -> Answer:
        return within_memory(lambda: work(request), self._device, _ADVICE)
