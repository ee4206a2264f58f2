import logging
from collections.abc import Sequence

import numpy as np
import pytest

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.common.backends.device import Device, Placement
from modalmesh_services.common.backends.precision import choose

CPU = Device("cpu")
OPENVINO = Placement("openvino", CPU, "bf16", 1)
FAST = Placement("torch", CPU, "bf16", 1)
EXACT = Placement("torch", CPU, "fp32", 1)


def vectors(cosine: float) -> FloatMatrix:
    return np.array([[1, 0], [cosine, np.sqrt(1 - cosine**2)]], np.float32)


def make(placement: Placement) -> Placement:
    if placement.backend == "openvino":
        raise RuntimeError("no such\n  operation")
    return placement


def chosen(cosine: float, placements: Sequence[Placement] = (FAST, EXACT)) -> Placement:
    """What is chosen where the worst vector in bf16 keeps this cosine, and OpenVINO can't convert the model."""
    choice = choose(placements, make, lambda _: vectors(cosine), lambda: vectors(1.0))
    assert choice.model == choice.placement
    return choice.placement


def test_a_precision_that_gives_the_same_vectors_is_taken() -> None:
    assert chosen(0.9995) is FAST


def test_one_vector_that_differs_is_enough_to_stay_in_fp32(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert chosen(0.998) is EXACT
    assert "cosine of only 0.9980" in caplog.text


def test_a_model_that_breaks_stays_in_fp32() -> None:
    assert chosen(float("nan")) is EXACT


def test_a_precision_asked_for_by_name_is_refused_when_it_is_not_good_enough() -> None:
    with pytest.raises(ValueError, match=r"torch-.*/cpu/bf16 keeps a cosine of only 0\.9980"):
        chosen(0.998, [FAST])


def test_what_one_backend_cannot_run_the_next_does(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert chosen(0.9995, [OPENVINO, FAST, EXACT]) is FAST
    assert "openvino-2026.4.1/cpu/bf16 can't run this model: no such operation: the next best is tried" in caplog.text


def test_a_backend_asked_for_by_name_that_cannot_run_the_model_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"openvino-.*/cpu/bf16 can't run this model: no such operation$"):
        chosen(1.0, [OPENVINO])


def test_fp32_by_torch_needs_no_reference() -> None:
    choice = choose([EXACT], make, lambda _: vectors(0.0), lambda: pytest.fail("was asked for"))
    assert choice.placement is EXACT


@pytest.mark.parametrize(
    ("error", "lasts"),
    [
        (RuntimeError("no such operation"), True),
        (MemoryError(), False),
        (OSError(), False),
        (RuntimeError("std::bad_alloc"), False),
    ],
)
def test_a_want_of_memory_or_disk_is_a_problem_that_may_be_over_next_time(error: Exception, lasts: bool) -> None:
    def make_torch(placement: Placement) -> Placement:
        if placement.backend == "openvino":
            raise error
        return placement

    choice = choose([OPENVINO, EXACT], make_torch, lambda _: vectors(1.0), lambda: vectors(1.0))
    assert [(problem.placement, problem.lasts) for problem in choice.problems] == [(OPENVINO, lasts)]
