import math

import torch
from torch import nn

from modalmesh_services.fusion_ranker.models.parts.balance import (
    ContributionGates,
    ModalityDropout,
    mixed,
    modulate_gradients,
    modulation,
    noisy,
    remade,
)
from modalmesh_services.fusion_ranker.models.parts.completion import ConditionalGan
from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens
from tests.unit.fusion_ranker.parts.made import DIM, tokens


def test_dropout_leaves_out_modalities_but_never_the_last() -> None:
    torch.manual_seed(0)
    present = torch.rand(2000, 3) < 0.7
    kept = ModalityDropout(0.5)(present)
    assert not (kept & ~present).any()
    assert torch.equal(kept.any(dim=1), present.any(dim=1))
    assert 0.5 < kept.sum() / present.sum() < 0.7


def test_dropout_leaves_serving_alone() -> None:
    present = tokens(1).mask
    assert torch.equal(ModalityDropout(0.9).eval()(present), present)


def test_gates_open_for_what_the_loss_needs() -> None:
    gates, modalities = ContributionGates(2), tokens(1, count=2, full=True)
    assert torch.equal(gates(modalities).values, modalities.values)
    for _ in range(20):
        gates.measured(torch.tensor(1.0), torch.tensor([3.0, 1.0]))
    opened = gates(modalities).values / modalities.values
    torch.testing.assert_close(opened.sum(dim=1), torch.full((4, DIM), 2.0))
    assert (opened[:, 0] > 1.5).all()


def test_only_the_modality_ahead_is_held_back_and_more_the_further_it_is() -> None:
    near, far = (modulation(torch.tensor([ahead, 0.3, 0.2]), 1.0) for ahead in (0.4, 0.9))
    assert near[1:].tolist() == far[1:].tolist() == [1.0, 1.0]
    assert 0.0 <= far[0] < near[0] < 1.0


def test_equal_modalities_are_not_held_back() -> None:
    assert modulation(torch.full((3,), 0.3), 1.0).tolist() == [1.0] * 3


def test_gradients_of_one_modality_are_scaled_and_the_others_stay() -> None:
    modules = {name: nn.Linear(2, 1) for name in ("text", "image")}
    torch.autograd.backward(torch.stack([module(torch.ones(1, 2)).sum() for module in modules.values()]).sum())
    modulate_gradients(modules, {"text": 0.25, "image": 1.0})
    assert {
        name: module.weight.grad.tolist() for name, module in modules.items() if module.weight.grad is not None
    } == {
        "text": [[0.25, 0.25]],
        "image": [[1.0, 1.0]],
    }


def test_noise_is_of_the_vectors_own_size_and_leaves_gaps_empty() -> None:
    torch.manual_seed(0)
    part = tokens(1, rows=200)
    moved = noisy(part, 0.1)
    difference = (moved.values - part.clean().values)[part.mask].square().mean().sqrt()
    assert 0.08 < difference / part.values[part.mask].square().mean().sqrt() < 0.12
    assert not moved.values[~part.mask].any()


def test_mixing_keeps_itself_the_larger_part() -> None:
    torch.manual_seed(0)
    blend = mixed(Tokens(torch.eye(50)[:, None], torch.ones(50, 1, dtype=torch.bool)), 0.5).values[:, 0]
    torch.testing.assert_close(blend.sum(dim=1), torch.ones(50))
    assert torch.equal(blend.argmax(dim=1), torch.arange(50))
    assert (blend.amax(dim=1) < 0.99).sum() > 25


def test_mixing_takes_only_from_what_is_there() -> None:
    torch.manual_seed(0)
    modalities = tokens(1, rows=100, count=2)
    blend = mixed(Tokens(modalities.values.masked_fill(~modalities.mask[..., None], 1e6), modalities.mask), 0.5)
    assert blend.values[modalities.mask].abs().max() < 10
    assert (blend.values[~modalities.mask] == 1e6).all()


def test_the_gan_remakes_only_what_has_others_beside_it() -> None:
    modalities = Tokens(torch.randn(50, 2, DIM), torch.tensor([[True, True]] * 25 + [[True, False]] * 25))
    changed = (remade(modalities, ConditionalGan(2, DIM), 1.0).values != modalities.values).any(dim=-1)
    assert changed[:25].all()
    assert not changed[25:].any()


def test_a_single_modality_has_nobody_to_be_ahead_of() -> None:
    assert modulation(torch.tensor([0.7]), 1.0).tolist() == [1.0]


def test_the_modality_ahead_is_held_back_as_in_ogm_ge() -> None:
    factors = modulation(torch.tensor([0.8, 0.2]), 0.3)
    torch.testing.assert_close(factors, torch.tensor([1.0 - math.tanh(0.3 * 4.0), 1.0]))


def test_noise_on_a_vector_of_zeros_has_a_gradient() -> None:
    values = torch.zeros(2, 1, DIM, requires_grad=True)
    torch.autograd.backward(noisy(Tokens(values, torch.ones(2, 1, dtype=torch.bool)), 0.1).values.sum())
    assert values.grad is not None
    assert values.grad.isfinite().all()
