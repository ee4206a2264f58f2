"""Builds of one fingerprint are interchangeable, so a faster precision is taken only if it gives the same vectors."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import torch

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.common.device import Placement, Precision

logger = logging.getLogger(__name__)

LEAST_COSINE = 0.999
Model = TypeVar("Model")


def choose(
    make: Callable[[Placement], Model],
    probe: Callable[[Model], FloatMatrix],
    placement: Placement,
    precision: Precision,
) -> tuple[Model, Placement]:
    """The model that `make` gives for the placement, if its vectors of the probe, (N, D) of length 1, are those of
    float32; otherwise the model in float32.

    Raises:
        ValueError: the precision was asked for by name, and isn't good enough for this model.
    """
    exact = replace(placement, dtype=torch.float32)
    reference = make(exact)
    if placement.dtype is torch.float32:
        return reference, exact
    fast = make(placement)
    cosine = float((probe(fast) * probe(reference)).sum(axis=1).min())
    # Written this way around, because NaN is less than nothing.
    if cosine >= LEAST_COSINE:
        return fast, placement
    if precision != "auto":
        raise ValueError(f"--precision {precision}: this model's vectors keep a cosine of only {cosine:.4f} to fp32's")
    logger.warning("%s keeps a cosine of only %.4f to fp32, which is used instead", placement.build, cosine)
    return reference, exact
