import pytest
import torch

from modalmesh_services.fusion_ranker.models.parts.alignment import (
    AdversarialAligner,
    Aligner,
    ContrastiveAdversarialAligner,
    ContrastiveAligner,
    LinearAligner,
    info_nce,
    reverse_gradient,
)
from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens
from tests.unit.fusion_ranker.parts.made import spoilt, tokens

DIMS = {"text": 6, "image": 10}
WITH_LOSSES = [ContrastiveAligner, AdversarialAligner, ContrastiveAdversarialAligner]
ALIGNERS = [LinearAligner, *WITH_LOSSES]


def world() -> dict[str, Tokens]:
    return {name: spoilt(tokens(place, dim=dim)) for place, (name, dim) in enumerate(DIMS.items())}


@pytest.mark.parametrize("kind", ALIGNERS)
def test_all_modalities_come_out_in_one_size(kind: type[Aligner]) -> None:
    aligned = kind(DIMS, 16)(world())
    assert {name: tuple(part.values.shape) for name, part in aligned.items()} == {
        "text": (4, 5, 16),
        "image": (4, 5, 16),
    }
    assert all(part.values.isfinite().all() for part in aligned.values())


@pytest.mark.parametrize("kind", WITH_LOSSES)
def test_losses_reach_every_parameter(kind: type[Aligner]) -> None:
    aligner = kind(DIMS, 16)
    torch.autograd.backward(torch.stack(list(aligner.losses(aligner(world())).values())).sum())
    assert all(each.grad is not None and each.grad.isfinite().all() for each in aligner.parameters())
    assert all(each.grad.any() for each in aligner.layers["text"].parameters() if each.grad is not None)


def test_reversal_keeps_values_and_flips_gradients() -> None:
    values = torch.randn(3, requires_grad=True)
    turned = reverse_gradient(values, 0.5)
    torch.autograd.backward(turned.sum())
    assert torch.equal(turned, values)
    assert values.grad is not None
    torch.testing.assert_close(values.grad, torch.full((3,), -0.5))


def test_the_discriminator_learns_while_alignment_is_turned_against_it() -> None:
    aligner = AdversarialAligner(DIMS, 16, strength=2.0)
    aligned = {
        name: Tokens(part.values.detach().requires_grad_(), part.mask) for name, part in aligner(world()).items()
    }
    loss = aligner.losses(aligned)["adversarial"]
    turned = torch.autograd.grad(loss, aligned["text"].values, retain_graph=True)[0]
    with torch.no_grad():
        moved = {**aligned, "text": Tokens(aligned["text"].values - 0.1 * turned, aligned["text"].mask)}
    assert aligner.losses(moved)["adversarial"] > loss


def test_info_nce_is_least_when_every_pair_is_one_and_apart_from_the_others() -> None:
    aligned = torch.eye(6)
    perfect = info_nce(aligned, aligned, 0.1)
    worse = [info_nce(aligned, aligned + 0.3 * torch.randn(6, 6), 0.1) for _ in range(5)]
    assert perfect < 1e-3
    assert all(perfect < each for each in worse)


def test_info_nce_falls_as_pairs_turn_towards_each_other() -> None:
    torch.manual_seed(0)
    one, other = torch.randn(8, 16), torch.randn(8, 16)
    losses = [info_nce(one, one + apart * (other - one), 0.2).item() for apart in (1.0, 0.8, 0.5, 0.0)]
    assert losses == sorted(losses, reverse=True)


def test_a_single_pair_says_nothing_and_breaks_nothing() -> None:
    one = torch.randn(1, 4, requires_grad=True)
    torch.autograd.backward(info_nce(one, one, 0.1))
    assert one.grad is not None
    assert not one.grad.any()


def test_only_items_with_both_modalities_are_compared() -> None:
    aligner, items = ContrastiveAligner(DIMS, 16), world()
    items["image"].mask[2] = False
    aligned = aligner(items)
    both = aligned["text"].present & aligned["image"].present
    kept = {name: Tokens(part.values[both], part.mask[both]) for name, part in aligned.items()}
    torch.testing.assert_close(aligner.losses(aligned), aligner.losses(kept))


@pytest.mark.parametrize("kind", ALIGNERS)
def test_what_is_in_the_shared_space_already_joins_the_losses(kind: type[Aligner]) -> None:
    aligner = kind(DIMS, 16)
    aligned = {**aligner(world()), "attributes": tokens(7, dim=16)}
    assert all(loss.isfinite() for loss in aligner.losses(aligned).values())


def test_a_discriminator_without_anything_to_tell_has_no_loss() -> None:
    assert AdversarialAligner(DIMS, 16).losses({"attributes": tokens(7, dim=16)}) == {}


def test_both_objectives_are_those_of_each() -> None:
    both = ContrastiveAdversarialAligner(DIMS, 16)
    alone, aligned = ContrastiveAligner(DIMS, 16), both(world())
    assert set(both.losses(aligned)) == {"adversarial", "contrastive"}
    torch.testing.assert_close(both.losses(aligned)["contrastive"], alone.losses(aligned)["contrastive"])
