import numpy as np
import pytest

from modalmesh.embeddings import ModelId
from modalmesh.errors import InternalError, InvalidInput, TooLarge
from modalmesh.v1 import types_pb2 as messages
from modalmesh_services.common.convert_encoding import granularity_from_proto, results_to_proto
from modalmesh_services.common.encoding import (
    Encoded,
    Granularity,
    InputState,
    Outcome,
    Part,
    assemble,
    check_batch,
    finite,
)

MODEL = ModelId("model", "f1")


def vectors(rows: int) -> Encoded:
    return Encoded(np.full((rows, 3), rows, np.float32))


def test_rows_are_counted_through_bad_inputs() -> None:
    outcomes: list[Outcome] = [vectors(1), InvalidInput("", "is bad"), vectors(2), vectors(1)]
    batch = assemble(outcomes, MODEL, 3, "texts")
    assert [(result.first_row, result.row_count) for result in batch.results] == [(0, 1), (0, 0), (1, 2), (3, 1)]
    assert batch.embeddings.values[:, 0].tolist() == [1, 2, 2, 1]


def test_a_bad_input_is_invalid_and_names_its_field() -> None:
    batch = assemble([vectors(1), InvalidInput("", "is bad")], MODEL, 3, "texts")
    assert batch.results[1].state is InputState.INVALID
    assert batch.results[1].reason == "texts[1]: is bad"


def test_a_truncated_input_says_why() -> None:
    batch = assemble([Encoded(np.ones((1, 3), np.float32), truncated="is long")], MODEL, 3, "texts")
    assert batch.results[0].state is InputState.TRUNCATED
    assert batch.results[0].reason == "texts[0]: is long"


def test_a_batch_of_bad_inputs_has_no_rows_but_a_dim() -> None:
    batch = assemble([InvalidInput("", "is bad")], MODEL, 3, "texts")
    assert batch.embeddings.values.shape == (0, 3)


def test_one_input_that_breaks_the_model_spares_its_neighbours() -> None:
    batch = assemble([vectors(1), InternalError("the model failed on this input")], MODEL, 3, "texts")
    assert [result.state for result in batch.results] == [InputState.OK, InputState.INVALID]


def test_a_model_that_fails_on_everything_fails_the_call() -> None:
    with pytest.raises(InternalError):
        assemble([InternalError("failed"), InternalError("failed")], MODEL, 3, "texts")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_never_leaves(bad: float) -> None:
    outcome = finite(Encoded(np.array([[1, bad, 0]], np.float32)))
    assert isinstance(outcome, InvalidInput)
    assert outcome.reason == "NOT_FINITE"


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(InvalidInput, match="texts: is empty"):
        check_batch(0, 10, "texts")


def test_a_batch_over_the_limit_is_refused_with_both_numbers() -> None:
    with pytest.raises(TooLarge, match="texts: has 11 inputs, the limit is 10"):
        check_batch(11, 10, "texts")


def test_an_unset_granularity_is_pooled() -> None:
    assert granularity_from_proto(messages.GRANULARITY_UNSPECIFIED) is Granularity.POOLED


def test_an_unknown_granularity_is_refused() -> None:
    with pytest.raises(InvalidInput, match="granularity"):
        granularity_from_proto(7)


def test_parts_keep_all_their_places() -> None:
    encoded = Encoded(np.ones((1, 3), np.float32), (Part(1, 2, 0.25, 0.5, 0.75, 1.0, 40),))
    (message,) = results_to_proto(assemble([encoded], MODEL, 3, "inputs").results)
    (part,) = message.parts
    assert (part.start, part.end, part.left, part.top, part.right, part.bottom) == (1, 2, 0.25, 0.5, 0.75, 1.0)
    assert part.frame_ms == 40
