"""From a network to its device step by the backend that wins, or straight from what an earlier start kept on disk."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.common.backends import precision
from modalmesh_services.common.backends.device import Device, Placement, release
from modalmesh_services.common.backends.known_digests import KnownDigests
from modalmesh_services.common.backends.model_cache import Entry, ModelCache, default_folder
from modalmesh_services.common.backends.precision import Problem
from modalmesh_services.common.backends.step import Step

if TYPE_CHECKING:
    from modalmesh_services.common.backends.openvino_backend import Graph
    from modalmesh_services.common.backends.torch_backend import Network

logger = logging.getLogger(__name__)

# Says of an entry without a model why there is none.
_FAILED = "failed"
_DIGESTS = "digests.json"
# Counts changes of the code that makes networks and converts them: what it made before is not used.
_CONVERSION = 2

Probe = Callable[[Step], FloatMatrix]


@dataclass(frozen=True, slots=True)
class Kept:
    """An earlier start's model, and what it said of it."""

    step: Step
    placement: Placement
    about: Mapping[str, Any]


class Backends:
    """The placements to try, the fastest first, and the converted models of earlier starts.

    `digests` are of the files of which they were made.
    """

    def __init__(self, placements: Sequence[Placement], folder: str) -> None:
        self._placements = placements
        self._left = list(placements)
        self._problems: Sequence[Problem] = ()
        where = Path(folder).expanduser() if folder else default_folder()
        self._cache = ModelCache(where)
        self.digests = KnownDigests(where / _DIGESTS)

    def kept(self, model: Mapping[str, Any]) -> Kept | None:
        """The model that was kept under this name: converted by the same software for a processor like this one, and
        compared with float32 there. Where that failed at an earlier start, it isn't tried again.
        """
        if self._placements[0].backend != "openvino":
            return None
        entry = self._cache.find(self._key(model))
        if entry is None:
            return None
        if _FAILED in entry.about:
            self._left = [placement for placement in self._placements if placement.backend != "openvino"]
            logger.warning("isn't tried again, see %s: %s", entry.folder, entry.about[_FAILED])
            return None
        try:
            return _read(entry, self._placements[0])
        except (RuntimeError, KeyError, StopIteration) as error:
            logger.warning("%s can't be used: %s", entry.folder, error)
            return None

    def choose(self, network: "Network", probe: Probe) -> tuple[Step, Placement, "Graph | None"]:
        """The network on the first placement that runs it and keeps its vectors.

        Raises:
            ValueError: none does; says why.
        """

        def make(placement: Placement) -> tuple[Step, "Graph | None"]:
            if placement.backend == "torch":
                return _torch_step(network, placement), None
            from modalmesh_services.common.backends.openvino_backend import Graph

            graph = Graph.convert(network, placement)
            return graph.compile(placement), graph

        def reference() -> FloatMatrix:
            exact = Placement("torch", Device("cpu"), "fp32", 1)
            return probe(_torch_step(network, exact, runs_once=True))

        choice = precision.choose(self._left, make, lambda made: probe(made[0]), reference)
        self._problems = [problem for problem in choice.problems if problem.placement.backend == "openvino"]
        step, graph = choice.model
        return step, choice.placement, graph

    def keep(
        self, model: Mapping[str, Any], placement: Placement, graph: "Graph | None", about: Mapping[str, Any]
    ) -> None:
        """Keep a converted model for the next start, or why there is none; what torch runs needs no conversion."""
        if graph is not None:
            self._cache.put(self._key(model), {**about, "precision": placement.precision}, graph.write)
        elif self._problems and all(problem.lasts for problem in self._problems):
            reasons = "; ".join(problem.reason for problem in self._problems)
            self._cache.put(self._key(model), {_FAILED: reasons}, lambda folder: None)

    def _key(self, model: Mapping[str, Any]) -> dict[str, Any]:
        """All that decides what a conversion gives and whether it is good enough."""
        from modalmesh_services.common.backends.openvino_backend import processor

        software = {name: release(name) for name in ("modalmesh", "openvino", "torch", "transformers")}
        tried = [f"{placement.backend}/{placement.precision}" for placement in self._placements]
        return {
            "model": dict(model),
            "conversion": _CONVERSION,
            "software": software,
            "processor": processor(),
            "placements": tried,
        }


def _torch_step(network: "Network", placement: Placement, *, runs_once: bool = False) -> Step:
    from modalmesh_services.common.backends.torch_backend import TorchStep

    return TorchStep(network, placement, runs_once=runs_once)


def _read(entry: Entry, first: Placement) -> Kept:
    from modalmesh_services.common.backends.openvino_backend import Graph

    placement = Placement("openvino", first.device, entry.about["precision"], first.threads)
    return Kept(Graph.read(entry.folder).compile(placement), placement, entry.about)
