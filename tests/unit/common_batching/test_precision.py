import logging

import numpy as np
import pytest
import torch

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.common.device import Placement
from modalmesh_services.common.precision import choose

FAST = Placement(torch.device("cpu"), torch.bfloat16, 1)


def vectors(cosine: float) -> FloatMatrix:
    return np.array([[1, 0], [cosine, np.sqrt(1 - cosine**2)]], np.float32)


def chosen(cosine: float, precision: str = "auto", placement: Placement = FAST) -> Placement:
    """What is chosen where the fast model's worst vector keeps this cosine."""

    def probe(where: Placement) -> FloatMatrix:
        return vectors(1.0 if where.dtype is torch.float32 else cosine)

    model, where = choose(lambda where: where, probe, placement, precision)  # type: ignore[arg-type] # a plain str
    assert model == where
    return where


def test_a_precision_that_gives_the_same_vectors_is_taken() -> None:
    assert chosen(0.9995).dtype is torch.bfloat16


def test_one_vector_that_differs_is_enough_to_stay_in_fp32(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert chosen(0.998).dtype is torch.float32
    assert "cosine of only 0.9980" in caplog.text


def test_a_model_that_breaks_stays_in_fp32() -> None:
    assert chosen(float("nan")).dtype is torch.float32


def test_a_precision_asked_for_by_name_is_refused_when_it_is_not_good_enough() -> None:
    with pytest.raises(ValueError, match=r"--precision bf16: .* 0\.9980"):
        chosen(0.998, "bf16")


def test_fp32_needs_no_second_model() -> None:
    exact = Placement(torch.device("cpu"), torch.float32, 1)
    made: list[Placement] = []
    choose(made.append, lambda _: vectors(0.0), exact, "auto")
    assert made == [exact]
