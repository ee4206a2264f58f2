"""Builds of one fingerprint are interchangeable, so a faster one is taken only if it gives the same vectors."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.common.device import Placement
from modalmesh_services.common.step import least_cosine

logger = logging.getLogger(__name__)

LEAST_COSINE = 0.999
_REASON_LENGTH = 400
Model = TypeVar("Model")


def choose(
    placements: Sequence[Placement],
    make: Callable[[Placement], Model],
    probe: Callable[[Model], FloatMatrix],
    reference: Callable[[], FloatMatrix],
) -> tuple[Model, Placement]:
    """The first of the models that can be made and whose vectors of the probe, (N, D) of length 1, are those of the
    reference, which is torch in float32.

    Raises:
        ValueError: there is none; says why.
    """
    problems = []
    exact: FloatMatrix | None = None
    for placement in placements:
        try:
            model = make(placement)
            if (placement.backend, placement.precision) == ("torch", "fp32"):
                return model, placement
            exact = reference() if exact is None else exact
            cosine = least_cosine(probe(model), exact)
        except Exception as error:  # noqa: BLE001 - a converter raises whatever it likes
            problems.append(f"{placement.build} can't run this model: {_reason(error)}")
        else:
            # Written this way around, because NaN is less than nothing.
            if cosine >= LEAST_COSINE:
                return model, placement
            problems.append(f"{placement.build} keeps a cosine of only {cosine:.4f} to fp32's vectors")
        if placement is not placements[-1]:
            logger.warning("%s: the next best is tried", problems[-1])
    raise ValueError("; ".join(problems))


def _reason(error: Exception) -> str:
    """One line of a message that may be a page."""
    return " ".join(str(error).split())[:_REASON_LENGTH] or type(error).__name__
