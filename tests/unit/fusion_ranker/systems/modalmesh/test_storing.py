import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from modalmesh_services.fusion_ranker.dataset.arrays import Floats
from modalmesh_services.fusion_ranker.systems.modalmesh.storing import restore, store


@dataclass(frozen=True)
class Part:
    values: Floats
    name: str


@dataclass(frozen=True)
class Whole:
    parts: Mapping[str, Part]
    several: Sequence[Part]
    widths: tuple[int, ...]
    maybe: Floats | None
    share: float


WHOLE = Whole({"a.b": Part(np.ones(2, np.float32), "one")}, (Part(np.zeros(3, np.float32), "two"),), (3, 4), None, 0.5)


def test_what_was_stored_comes_back() -> None:
    document, arrays = store(WHOLE)
    back = restore(Whole, document, arrays)
    assert back.parts["a.b"].name == "one"
    np.testing.assert_array_equal(back.parts["a.b"].values, np.ones(2))
    np.testing.assert_array_equal(back.several[0].values, np.zeros(3))
    assert (back.widths, back.maybe, back.share) == ((3, 4), None, 0.5)


def test_a_document_holds_no_arrays() -> None:
    document, arrays = store(WHOLE)
    assert restore(Whole, json.loads(json.dumps(document)), arrays).several[0].name == "two"
    assert len(arrays) == 2


@pytest.mark.parametrize("torn", [{}, {"parts": 3}, {"parts": {"a": {"array": "nowhere"}}}])
def test_a_torn_document_is_refused(torn: dict[str, object]) -> None:
    _, arrays = store(WHOLE)
    with pytest.raises(ValueError, match="not what a Whole was stored as"):
        restore(Whole, torn, arrays)
