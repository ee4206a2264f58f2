"""How much a kind of content counts, in the ridge and among all similarities: found on films, with defaults."""

from collections.abc import Mapping
from types import MappingProxyType

from modalmesh_services.fusion_ranker.dataset.catalogue import TAGS
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content import IMAGE, TIME

_TEXTS: Mapping[str, float] = MappingProxyType({"title": 0.6, "description": 1.0, TAGS: 1.0, IMAGE: 0.5})
_BAGS: Mapping[str, float] = MappingProxyType({"genres": 0.6, "cast": 0.35})
_NUMBERS: Mapping[str, float] = MappingProxyType({TIME: 1.0, "runtime_min": 0.7})
_OTHER_TEXT, _OTHER_BAG, _OTHER_NUMBER = 1.0, 0.5, 0.5


def text_weight(name: str) -> float:
    """Of a text field, or of pictures."""
    return _TEXTS.get(name, _OTHER_TEXT)


def bag_weight(name: str) -> float:
    return _BAGS.get(name, _OTHER_BAG)


def number_weight(name: str) -> float:
    return _NUMBERS.get(name, _OTHER_NUMBER)
