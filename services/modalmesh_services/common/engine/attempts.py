"""Runs a stage on its inputs, and gives each of them a result whatever happens."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from modalmesh.errors import InternalError, ModalmeshError

logger = logging.getLogger(__name__)

Input = TypeVar("Input")
Output = TypeVar("Output")


def attempt(
    work: Callable[[Sequence[Input]], Sequence[Output | ModalmeshError]], inputs: Sequence[Input]
) -> list[Output | ModalmeshError]:
    """Do the work, and never raise.

    What fails is tried once more by halves, so that only the culprit fails, and what was too large for the device's
    memory gets through.
    """
    try:
        results = list(work(inputs))
        if len(results) == len(inputs):
            return results
        logger.error("a batch of %d gave %d results", len(inputs), len(results))
    except Exception:
        # Broad, because a model raises whatever it likes, and every caller must get an answer.
        logger.exception("a batch of %d failed", len(inputs))
    if len(inputs) == 1:
        return [InternalError("the model failed on this input")]
    middle = len(inputs) // 2
    return attempt(work, inputs[:middle]) + attempt(work, inputs[middle:])
