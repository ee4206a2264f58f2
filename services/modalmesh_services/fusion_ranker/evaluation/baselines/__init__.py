"""What a trained ranker has to beat."""

from collections.abc import Mapping
from types import MappingProxyType

from modalmesh_services.fusion_ranker.evaluation.baselines.als import Als
from modalmesh_services.fusion_ranker.evaluation.baselines.content_knn import ContentKnn, Term
from modalmesh_services.fusion_ranker.evaluation.baselines.content_search import ContentSearch
from modalmesh_services.fusion_ranker.evaluation.baselines.ease import Ease
from modalmesh_services.fusion_ranker.evaluation.baselines.item_knn import ItemKnn
from modalmesh_services.fusion_ranker.evaluation.baselines.popularity import Popularity
from modalmesh_services.fusion_ranker.evaluation.baselines.recent_popularity import RecentPopularity
from modalmesh_services.fusion_ranker.evaluation.baselines.tuned import Tuned
from modalmesh_services.fusion_ranker.evaluation.plans import BestOnTest
from modalmesh_services.fusion_ranker.systems.interface import System

__all__ = [
    "BASELINES",
    "EASE",
    "Als",
    "ContentKnn",
    "ContentSearch",
    "Ease",
    "ItemKnn",
    "Popularity",
    "RecentPopularity",
    "Term",
    "Tuned",
]

_POWERS_AND_NEIGHBOURS = ((2, 100), (3, 1000))


def _content(name: str, kind: str) -> Tuned:
    return Tuned(name, [ContentKnn((Term(kind, 1.0, power),), count) for power, count in _POWERS_AND_NEIGHBOURS])


_PENALTIES = (30.0, 60.0, 100.0, 150.0, 200.0, 300.0, 400.0)

EASE = Tuned("ease", [Ease(penalty) for penalty in _PENALTIES])

BASELINES: Mapping[str, System | BestOnTest] = MappingProxyType(
    {
        system.name: system
        for system in (
            Popularity(),
            Tuned("recent_popularity", [RecentPopularity(days) for days in (365.0, 90.0, 1460.0)]),
            Tuned("itemknn", [ItemKnn(count, shrink) for count in (30, 100) for shrink in (10.0, 50.0)]),
            Tuned("als", [Als(confidence=weight, penalty=least) for weight in (2.0, 10.0) for least in (10.0, 50.0)]),
            EASE,
            _content("content_text", "text"),
            _content("content_image", "image"),
            ContentSearch("content_best"),
            BestOnTest("ease_best", [Ease(penalty) for penalty in _PENALTIES]),
        )
    }
)
