"""Both halves of the default system as one bundle's parts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from modalmesh_services.fusion_ranker.systems.interface import Parts
from modalmesh_services.fusion_ranker.systems.modalmesh.storing import restore, store
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.keeping import KeptWarm

_WARM, _COLD = "warm", "cold"


def join(warm: KeptWarm, cold: Parts) -> Parts:
    """The vocabulary is the cold half's: the catalogue."""
    settings, arrays = store(warm)
    named = {f"{_WARM}.{name}": own for name, own in arrays.items()}
    named |= {f"{_COLD}.{name}": own for name, own in cold.arrays.items()}
    return Parts({_WARM: settings, _COLD: cold.settings}, named, cold.item_ids)


def split(parts: Parts) -> tuple[KeptWarm, Parts]:
    """What `join` was given.

    Raises:
        ValueError: these parts are not whole.
    """
    if not {_WARM, _COLD} <= parts.settings.keys():
        raise ValueError("these are not the parts of a default ranker: it has a warm and a cold half")
    warm = restore(KeptWarm, parts.settings[_WARM], _named(parts.arrays, _WARM))
    if len(warm.known) != len(parts.item_ids):
        raise ValueError(f"learned of {len(warm.known)} items, and the vocabulary has {len(parts.item_ids)}")
    return warm, Parts(parts.settings[_COLD], _named(parts.arrays, _COLD), parts.item_ids)


def _named(arrays: Mapping[str, npt.NDArray[np.generic]], half: str) -> dict[str, Any]:
    return {name.removeprefix(f"{half}."): own for name, own in arrays.items() if name.startswith(f"{half}.")}
