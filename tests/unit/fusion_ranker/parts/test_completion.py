import pytest
import torch

from modalmesh_services.fusion_ranker.models.parts.completion import (
    Completion,
    ConditionalGan,
    LearnedToken,
    Regression,
)
from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens
from tests.unit.fusion_ranker.parts.made import DIM, spoilt, tokens

KINDS = [LearnedToken, Regression, ConditionalGan]


def twins(rows: int = 64) -> Tokens:
    """Two modalities that say the same."""
    vectors = torch.randn(rows, 1, DIM)
    return Tokens(vectors.repeat(1, 2, 1), torch.ones(rows, 2, dtype=torch.bool))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_there_stays_and_what_lacks_is_made(kind: type[Completion]) -> None:
    known = spoilt(tokens(1, count=3))
    completed = kind(3, DIM)(known)
    assert torch.equal(completed[known.mask], known.values[known.mask])
    assert completed.isfinite().all()
    assert completed[~known.mask].any(dim=-1).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_modality_is_made_from_the_others_alone(kind: type[Completion]) -> None:
    completion, known = kind(3, DIM).eval(), tokens(1, count=3, full=True)
    values = known.values.clone()
    values[:, 1] += 3.0
    before, after = completion.made(known), completion.made(Tokens(values, known.mask))
    assert torch.equal(after[:, 1], before[:, 1])


@pytest.mark.parametrize("kind", [Regression, ConditionalGan])
def test_learning_brings_what_is_made_near_what_was_taken_away(kind: type[Completion]) -> None:
    torch.manual_seed(0)
    completion, known = kind(2, DIM), twins()
    optimiser = torch.optim.Adam(completion.parameters(), lr=0.01)
    before = (completion.eval().made(known) - known.values).square().mean()
    completion.train()
    for _ in range(200):
        optimiser.zero_grad()
        torch.autograd.backward(torch.stack(list(completion.losses(known).values())).sum())
        optimiser.step()
    assert (completion.eval().made(known) - known.values).square().mean() < before / 3


def test_each_loss_of_the_gan_reaches_its_own_network_alone() -> None:
    gan = ConditionalGan(3, DIM)
    losses = gan.losses(spoilt(tokens(1, count=3)))
    for name, reached, spared in (
        ("gan_discriminator", gan.discriminators, gan.generators),
        ("gan_generator", gan.generators, gan.discriminators),
    ):
        gan.zero_grad()
        torch.autograd.backward(losses[name], retain_graph=True)
        assert all(each.grad is not None and each.grad.any() for each in reached.parameters())
        assert all(each.grad is None for each in spared.parameters())


def test_the_generator_gains_by_what_the_discriminator_takes_for_real() -> None:
    torch.manual_seed(0)
    gan, known = ConditionalGan(2, DIM).eval(), twins()
    optimiser = torch.optim.SGD(gan.generators.parameters(), lr=0.5)
    before = {name: loss.item() for name, loss in gan.losses(known).items()}
    torch.autograd.backward(gan.losses(known)["gan_generator"])
    optimiser.step()
    after = {name: loss.item() for name, loss in gan.losses(known).items()}
    assert after["gan_generator"] < before["gan_generator"]
    assert after["gan_discriminator"] > before["gan_discriminator"]


@pytest.mark.parametrize("kind", [Regression, ConditionalGan])
def test_an_item_with_one_modality_teaches_nothing(kind: type[Completion]) -> None:
    known = Tokens(torch.randn(5, 2, DIM), torch.tensor([[True, False]] * 5))
    losses = kind(2, DIM).losses(known)
    assert all(loss.item() == 0.0 for loss in losses.values())


def test_the_gan_serves_the_same_twice_and_varies_in_training() -> None:
    gan, known = ConditionalGan(3, DIM), tokens(1, count=3)
    assert not torch.equal(gan.train().made(known), gan.made(known))
    assert torch.equal(gan.eval().made(known), gan.made(known))


@pytest.mark.parametrize("kind", [Regression, ConditionalGan])
def test_what_masked_places_hold_spoils_no_gradient(kind: type[Completion]) -> None:
    completion = kind(3, DIM)
    torch.autograd.backward(torch.stack(list(completion.losses(spoilt(tokens(1, count=3))).values())).sum())
    assert all(each.grad is not None and each.grad.isfinite().all() for each in completion.parameters())


@pytest.mark.parametrize("kind", [Regression, ConditionalGan])
def test_that_a_modality_is_there_says_nothing_by_itself(kind: type[Completion]) -> None:
    completion, mask = kind(2, DIM).eval(), torch.tensor([[True, True], [True, False]])
    made = completion.made(Tokens(torch.zeros(2, 2, DIM), mask))
    assert torch.equal(made[0], made[1])
