import numpy as np
import pytest
import torch

from modalmesh_services.fine_tuning.objective import next_liked_loss

NOBODY = torch.zeros((1, 4), dtype=torch.bool)


def unit(*rows: list[float]) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.tensor(rows), dim=-1)


def test_it_is_the_cross_entropy_of_the_next_item_by_the_mean_of_those_before() -> None:
    vectors = torch.nn.functional.normalize(torch.randn(4, 5, generator=torch.Generator().manual_seed(0)), dim=-1)
    loss = next_liked_loss(vectors, torch.tensor([[2, 0, 1]]), NOBODY)
    expected = []
    for before, target in (([2], 0), ([2, 0], 1)):
        mean = vectors[before].sum(dim=0)
        logits = (vectors @ (mean / mean.norm()) / 0.07).numpy()
        expected.append(np.log(np.exp(logits).sum()) - logits[target])
    assert loss.item() == pytest.approx(np.mean(expected), rel=1e-5)


def test_what_goes_together_and_lies_together_costs_little() -> None:
    vectors = unit([1, 0], [1, 0.1], [0, 1], [0.1, 1])
    together, apart = torch.tensor([[0, 1], [2, 3]]), torch.tensor([[0, 2], [1, 3]])
    liked = torch.zeros((2, 4), dtype=torch.bool)
    assert next_liked_loss(vectors, together, liked) < next_liked_loss(vectors, apart, liked)


def test_what_the_user_likes_too_is_no_negative() -> None:
    vectors = unit([1, 0], [1, 0.2], [1, 0.1], [0, 1])
    own = torch.tensor([[True, True, True, False]])
    window = torch.tensor([[0, 1]])
    # Item 0 and 2 are nearer to the query than the target is.
    assert next_liked_loss(vectors, window, own) < 1e-4 < next_liked_loss(vectors, window, NOBODY)


def test_the_end_of_a_short_window_counts_for_nothing() -> None:
    vectors = unit([1, 0], [1, 0.2], [0.5, 1], [0, 1])
    liked = torch.zeros((2, 4), dtype=torch.bool)
    padded = next_liked_loss(vectors, torch.tensor([[0, 1, -1], [3, 2, -1]]), liked)
    assert padded.item() == pytest.approx(next_liked_loss(vectors, torch.tensor([[0, 1], [3, 2]]), liked).item())
