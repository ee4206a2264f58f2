"""A trained ranker on users whom it may never have seen: asked as the gateway asks it, and trained no further."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modalmesh_services.fusion_ranker.dataset.history import Interactions
from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation.baselines import EASE, Popularity
from modalmesh_services.fusion_ranker.evaluation.measuring import measure
from modalmesh_services.fusion_ranker.evaluation.progress import Listener, Progress, Stopwatch
from modalmesh_services.fusion_ranker.evaluation.results import Evaluation, SystemResult
from modalmesh_services.fusion_ranker.evaluation.served import Served
from modalmesh_services.fusion_ranker.evaluation.splits import later_split
from modalmesh_services.fusion_ranker.models.interface import RankerModel
from modalmesh_services.fusion_ranker.systems.interface import Fitted, Training

PROTOCOL, REFERENCE = "users", "ease"


@dataclass(frozen=True, slots=True)
class MeasuredBundle:
    """`consequences` says, in sentences, what the figures don't mean."""

    evaluation: Evaluation
    consequences: tuple[str, ...]


def measure_bundle(
    model: RankerModel, name: str, dataset: Dataset, asked: Interactions, listener: Listener
) -> MeasuredBundle:
    """Protocol `users` over the users of `asked`; baselines learn from the data set's own interactions.

    `asked` is of the data set's catalogue.
    """
    everything = np.ones(len(dataset.catalogue), np.bool_)
    known = Training(dataset.interactions.histories, dataset.catalogue, everything)
    split = later_split(PROTOCOL, Training(asked.histories, dataset.catalogue, everything))
    if not len(split.scored):
        return MeasuredBundle(Evaluation({}, {}, {PROTOCOL: "no user has 10 positives"}, {}), ())
    fits: dict[str, Callable[[], Fitted]] = {
        name: lambda: Served.of(model, dataset.catalogue, _event_counts(dataset)),
        REFERENCE: lambda: EASE.fit(known),
        "popularity": lambda: Popularity().fit(known),
    }
    progress = Progress(listener, dict.fromkeys(fits, 1))
    results: dict[str, SystemResult] = {}
    for own, fit in fits.items():
        watch = Stopwatch()
        measured = measure(fit(), split)
        results[own] = SystemResult.collect([measured], watch.seconds, [split.name])
        progress.measured(PROTOCOL, split.name, own, watch.seconds)
    evaluation = Evaluation({PROTOCOL: results}, {PROTOCOL: REFERENCE}, {}, {})
    return MeasuredBundle(evaluation, tuple(_consequences(dataset, asked)))


def _event_counts(dataset: Dataset) -> npt.NDArray[np.int64]:
    """(N,): how many events an item has."""
    items = [history.items for history in dataset.interactions.histories]
    return np.bincount(np.concatenate(items), minlength=len(dataset.catalogue))


def _consequences(dataset: Dataset, asked: Interactions) -> list[str]:
    known = {history.user_id for history in dataset.interactions.histories}
    both = sum(history.user_id in known for history in asked.histories)
    if not both:
        return []
    return [
        f"{both:,} of {len(asked.histories):,} users are in the folder's interactions, too: "
        "what they are asked for may have been learned."
    ]
