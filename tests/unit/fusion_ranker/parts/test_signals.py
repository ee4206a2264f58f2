import math
from collections.abc import Callable
from unittest import mock

import pytest
import torch

from modalmesh_services.fusion_ranker.models.parts.attributes import AttributeBags
from modalmesh_services.fusion_ranker.models.parts.collaborative import (
    CollaborativeSignal,
    DeepCollaborativeFiltering,
    ItemItem,
    MatrixFactorisation,
)
from modalmesh_services.fusion_ranker.models.parts.head import ProbabilityHead, TargetAttention, probabilities
from modalmesh_services.fusion_ranker.models.parts.sparse_coding import KSparse, Lista, SparseCoder
from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens
from tests.unit.fusion_ranker.parts.made import DIM, padded, spoilt, tokens


def item_item() -> ItemItem:
    signal = ItemItem(6, 2)
    signal.start_from(torch.arange(14).view(7, 2) % 7, torch.arange(14).view(7, 2) + 0.5)
    return signal


SIGNALS: dict[str, Callable[[], CollaborativeSignal]] = {
    "mf": lambda: MatrixFactorisation(6, DIM),
    "deep": lambda: DeepCollaborativeFiltering(6, DIM),
    "item-item": item_item,
}
HISTORY = torch.tensor([[1, 2, 3], [4, 0, 0]])
CANDIDATES = torch.tensor([[1, 4, 0, 5], [2, 3, 0, 6]])


@pytest.mark.parametrize("name", SIGNALS)
def test_nothing_is_said_of_a_cold_item_and_something_of_the_others(name: str) -> None:
    scores = SIGNALS[name]()(HISTORY, CANDIDATES)
    assert scores.shape == (2, 4, 1)
    assert not scores[:, 2].any()
    assert scores[0, [0, 1, 3]].any()


@pytest.mark.parametrize("name", SIGNALS)
def test_padding_and_cold_items_in_a_history_say_nothing(name: str) -> None:
    signal = SIGNALS[name]()
    wide = torch.cat([torch.zeros(2, 2, dtype=torch.int64), HISTORY], dim=1)
    torch.testing.assert_close(signal(wide, CANDIDATES), signal(HISTORY, CANDIDATES))


@pytest.mark.parametrize("name", SIGNALS)
def test_a_user_is_the_history(name: str) -> None:
    signal = SIGNALS[name]()
    assert not torch.allclose(signal(HISTORY, CANDIDATES), signal(HISTORY.flip(0), CANDIDATES))
    assert signal(torch.zeros_like(HISTORY), CANDIDATES).isfinite().all()


def test_item_item_adds_the_weights_of_neighbours_met() -> None:
    # Item 4 has neighbours 8 % 7 = 1 and 9 % 7 = 2, both in the first history.
    assert item_item()(HISTORY, CANDIDATES)[0, 1].item() == 8.5 + 9.5


def test_a_cold_item_met_is_nobodys_neighbour() -> None:
    # Item 3 has neighbours 6 % 7 = 6 and 7 % 7 = 0, which is none.
    assert item_item()(torch.tensor([[0, 1]]), torch.tensor([[3]])).item() == 0.0


def test_an_attribute_bag_is_the_mean_of_its_attributes() -> None:
    bags = AttributeBags(5, DIM)
    found = bags(torch.tensor([[[1, 3, 0], [0, 0, 0]]]))
    torch.testing.assert_close(found.values[0, 0], bags.table.weight[[1, 3]].mean(dim=0))
    assert found.mask.tolist() == [[True, False]]
    assert not found.values[0, 1].any()


def test_attributes_are_dropped_in_training_alone() -> None:
    torch.manual_seed(0)
    bags, ids = AttributeBags(5, DIM, dropout=0.5), torch.ones(1000, 1, 1, dtype=torch.int64)
    assert 400 < int(bags(ids).mask.sum()) < 600
    assert bags.eval()(ids).mask.all()


def test_penalties_shrink_only_the_attributes_met() -> None:
    bags = AttributeBags(5, DIM, l1=0.1, l2=0.2)
    losses = bags.losses(torch.tensor([[[2, 2, 0]]]))
    torch.testing.assert_close(losses["attributes_l1"], 0.1 * bags.table.weight[2].abs().sum())
    torch.testing.assert_close(losses["attributes_l2"], 0.2 * bags.table.weight[2].square().sum())
    torch.autograd.backward(torch.stack(list(losses.values())).sum())
    assert bags.table.weight.grad is not None
    assert bags.table.weight.grad.any(dim=1).nonzero().tolist() == [[2]]


def test_target_attention_does_not_depend_on_padding_or_the_order_of_candidates() -> None:
    attention, events, candidates = TargetAttention(DIM), tokens(1), torch.randn(4, 3, DIM)
    interest = attention(candidates, spoilt(events))
    torch.testing.assert_close(attention(candidates, padded(events)), interest)
    torch.testing.assert_close(attention(candidates.flip(1), events).flip(1), interest)
    assert not interest[0].any()


def test_target_attention_differs_by_candidate_and_is_zero_where_no_event_is() -> None:
    weights = TargetAttention(DIM).weights(torch.randn(4, 3, DIM), tokens(1))
    assert not torch.allclose(weights[1, 0], weights[1, 1])
    assert not weights[~tokens(1).mask[:, None].expand_as(weights)].any()


def test_target_attention_is_a_network_over_candidate_event_difference_and_product() -> None:
    attention, events, candidates = TargetAttention(DIM, hidden=5), tokens(1, full=True), torch.randn(4, 3, DIM)
    ours, theirs = candidates[:, :, None].expand(-1, -1, 5, -1), events.values[:, None].expand(-1, 3, -1, -1)
    pairs = torch.cat([ours, theirs, ours - theirs, ours * theirs], dim=-1)
    expected = attention.out(torch.nn.functional.silu(attention.pair(pairs)))[..., 0] / math.sqrt(5)
    torch.testing.assert_close(attention.weights(candidates, events), expected)


def test_target_attention_to_a_history_of_no_length_is_zeros() -> None:
    nothing = Tokens(torch.zeros(4, 0, DIM), torch.zeros(4, 0, dtype=torch.bool))
    assert torch.equal(TargetAttention(DIM)(torch.randn(4, 3, DIM), nothing), torch.zeros(4, 3, DIM))


def test_head_gives_probabilities() -> None:
    logits = ProbabilityHead(3, 4)([torch.randn(2, 5, 1), torch.randn(2, 5, 2)])
    assert logits.shape == (2, 5)
    torch.testing.assert_close(probabilities(logits), 1 / (1 + torch.exp(-logits)))


@pytest.mark.parametrize("kind", [Lista, KSparse])
def test_learning_makes_codes_that_keep_the_vectors(kind: type[SparseCoder]) -> None:
    torch.manual_seed(0)
    vectors = torch.randn(64, 3) @ torch.randn(3, DIM)
    coder = kind(DIM, 16)
    optimiser = torch.optim.Adam(coder.parameters(), lr=0.02)
    before = coder.losses(vectors)["sparse_reconstruction"].item()
    for _ in range(150):
        optimiser.zero_grad()
        torch.autograd.backward(torch.stack(list(coder.losses(vectors).values())).sum())
        optimiser.step()
    assert coder.losses(vectors)["sparse_reconstruction"].item() < before / 3
    assert all(each.grad is not None and each.grad.any() for each in coder.parameters())


def test_a_k_sparse_code_has_k_atoms_and_lista_shrinks_the_small_ones_away() -> None:
    vectors = torch.randn(10, DIM)
    assert ((KSparse(DIM, 16, kept=3).code(vectors) != 0).sum(dim=1) == 3).all()
    weak, strong = (int((Lista(DIM, 16, threshold=threshold).code(vectors) != 0).sum()) for threshold in (0.0, 1.0))
    assert strong < weak


def test_lista_starts_as_ista_which_lowers_its_objective() -> None:
    torch.manual_seed(0)
    vectors = torch.randn(10, DIM)
    costs = []
    for steps in (0, 2, 20):
        torch.manual_seed(1)
        coder = Lista(DIM, 16, steps=steps)
        code = coder.code(vectors)
        costs.append(((code @ coder.dictionary - vectors).square().sum() / 2 + 0.1 * code.abs().sum()).item())
    assert costs == sorted(costs, reverse=True)
    assert math.isfinite(costs[-1])


def test_lista_codes_once_for_all_its_losses() -> None:
    coder, vectors = Lista(DIM, 16), torch.randn(10, DIM)
    with mock.patch.object(Lista, "code", autospec=True, side_effect=Lista.code) as code:
        losses = coder.losses(vectors)
    assert code.call_count == 1
    torch.testing.assert_close(losses["sparse_l1"], 0.01 * coder.code(vectors).abs().mean())
