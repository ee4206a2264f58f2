"""What is lost by leaving each part out -> contributions that add up.

What is lost by leaving one out doesn't add up to what is lost without any: two that say the same lose nothing alone.
The rest is shared equally (the equal allocation of nonseparable contributions, Moulin 1985).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Reasons:
    """Of E items: `bias` (E,) plus `signals` by name (E,) are the log odds; `history` (J, E): what each item of the
    history added.
    """

    bias: Numbers
    signals: Mapping[str, Numbers]
    history: Numbers


def allotted(whole: Numbers, without: Numbers, nothing: Numbers) -> Numbers:
    """`whole`, `nothing` (E,), `without` (G, E) to contributions (G, E), which add up to whole - nothing."""
    lost = whole - without
    shared: Numbers = lost + (whole - nothing - lost.sum(axis=0)) / len(lost)
    return shared
