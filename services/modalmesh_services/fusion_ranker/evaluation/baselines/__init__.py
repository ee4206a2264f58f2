"""What a trained ranker has to beat."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from modalmesh_services.fusion_ranker.evaluation.baselines.als import Als
from modalmesh_services.fusion_ranker.evaluation.baselines.content_knn import ContentKnn
from modalmesh_services.fusion_ranker.evaluation.baselines.ease import Ease
from modalmesh_services.fusion_ranker.evaluation.baselines.item_knn import ItemKnn
from modalmesh_services.fusion_ranker.evaluation.baselines.popularity import Popularity
from modalmesh_services.fusion_ranker.evaluation.baselines.recent_popularity import RecentPopularity
from modalmesh_services.fusion_ranker.evaluation.baselines.tuned import Tuned
from modalmesh_services.fusion_ranker.evaluation.runner import BestOnTest
from modalmesh_services.fusion_ranker.systems.interface import System

__all__ = ["BASELINES", "Als", "ContentKnn", "Ease", "ItemKnn", "Popularity", "RecentPopularity", "Tuned"]

_NEIGHBOURS_AND_POWERS = ((100, 2.0), (1000, 3.0))
_MIXES = (
    {"text": 1.0, "image": 0.3, "attributes": 0.5},
    {"text.description": 1.0, "text.tags": 1.0, "image": 0.3, "attributes": 0.5, "time": 0.5},
    {"text.description": 0.5, "text.tags": 1.0, "image": 0.2, "attributes": 1.0, "time": 1.0},
)


def _content(name: str, mixes: Sequence[Mapping[str, float]]) -> Tuned:
    return Tuned(name, [ContentKnn(mix, count, power) for mix in mixes for count, power in _NEIGHBOURS_AND_POWERS])


_PENALTIES = (30.0, 60.0, 100.0, 150.0, 200.0, 300.0, 400.0)

BASELINES: Mapping[str, System | BestOnTest] = MappingProxyType(
    {
        system.name: system
        for system in (
            Popularity(),
            Tuned("recent_popularity", [RecentPopularity(days) for days in (365.0, 90.0, 1460.0)]),
            Tuned("itemknn", [ItemKnn(count, shrink) for count in (30, 100) for shrink in (10.0, 50.0)]),
            Tuned("als", [Als(confidence=weight, penalty=least) for weight in (2.0, 10.0) for least in (10.0, 50.0)]),
            Tuned("ease", [Ease(penalty) for penalty in _PENALTIES]),
            _content("content_text", [{"text": 1.0}]),
            _content("content_image", [{"image": 1.0}]),
            _content("content_best", _MIXES),
            BestOnTest("ease_best", [Ease(penalty) for penalty in _PENALTIES]),
        )
    }
)
