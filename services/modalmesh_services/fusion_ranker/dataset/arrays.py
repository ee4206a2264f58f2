"""Names for the arrays of this package."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]
Indexes: TypeAlias = npt.NDArray[np.int32]
Times: TypeAlias = npt.NDArray[np.int64]
"""Unix milliseconds."""

DAY_MS = 86_400_000
YEAR_MS = 365.25 * DAY_MS

Flags: TypeAlias = npt.NDArray[np.bool_]
SparseRows: TypeAlias = Any
"""A scipy.sparse.csr_array; scipy has no types of its own."""
