"""Builds of one fingerprint are interchangeable, so a faster one is taken only if it gives the same vectors."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.common.backends.device import Placement
from modalmesh_services.common.backends.step import least_cosine

logger = logging.getLogger(__name__)

LEAST_COSINE = 0.999
_REASON_LENGTH = 400
Model = TypeVar("Model")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a placement wasn't taken. What doesn't last, such as a want of memory, may be over at the next start."""

    placement: Placement
    reason: str
    lasts: bool = True


@dataclass(frozen=True, slots=True)
class Choice(Generic[Model]):
    """`problems` are those of the placements that were tried before."""

    model: Model
    placement: Placement
    problems: tuple[Problem, ...] = ()


def choose(
    placements: Sequence[Placement],
    make: Callable[[Placement], Model],
    probe: Callable[[Model], FloatMatrix],
    reference: Callable[[], FloatMatrix],
) -> Choice[Model]:
    """The first of the models that can be made and whose vectors of the probe, (N, D) of length 1, are those of the
    reference, which is torch in float32.

    Raises:
        ValueError: there is none; says why.
    """
    problems: list[Problem] = []
    exact: FloatMatrix | None = None
    for placement in placements:
        try:
            model = make(placement)
            if (placement.backend, placement.precision) == ("torch", "fp32"):
                return Choice(model, placement, tuple(problems))
            exact = reference() if exact is None else exact
            cosine = least_cosine(probe(model), exact)
        except Exception as error:  # noqa: BLE001 - a converter raises whatever it likes
            reason = f"{placement.build} can't run this model: {_reason(error)}"
            problems.append(Problem(placement, reason, _lasts(error)))
        else:
            # Written this way around, because NaN is less than nothing.
            if cosine >= LEAST_COSINE:
                return Choice(model, placement, tuple(problems))
            reason = f"{placement.build} keeps a cosine of only {cosine:.4f} to fp32's vectors"
            problems.append(Problem(placement, reason))
        if placement is not placements[-1]:
            logger.warning("%s: the next best is tried", problems[-1].reason)
    raise ValueError("; ".join(problem.reason for problem in problems))


def _reason(error: Exception) -> str:
    """One line of a message that may be a page."""
    return " ".join(str(error).split())[:_REASON_LENGTH] or type(error).__name__


def _lasts(error: BaseException | None) -> bool:
    """Not where memory or disk were wanting, which a converter may wrap into an error of its own."""
    while error is not None:
        if isinstance(error, MemoryError | OSError) or "alloc" in str(error):
            return False
        error = error.__cause__ or error.__context__
    return True
