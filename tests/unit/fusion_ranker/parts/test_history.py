from collections.abc import Callable

import pytest
import torch
from torch import nn

from modalmesh_services.fusion_ranker.models.parts.history import (
    HistoryEncoder,
    MeanHistory,
    RecurrentHistory,
    TransformerHistory,
)
from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens, ages_in_order
from tests.unit.fusion_ranker.parts.made import DIM, padded, permuted, spoilt, tokens

ORDERED: dict[str, Callable[[], HistoryEncoder]] = {
    "gru": lambda: RecurrentHistory(DIM, nn.GRU),
    "lstm": lambda: RecurrentHistory(DIM, nn.LSTM),
    "transformer": lambda: TransformerHistory(DIM, positions=16),
}
ALL = {"mean": MeanHistory, **ORDERED}


def ages(events: Tokens) -> torch.Tensor:
    return torch.arange(events.mask.shape[1], 0, -1).expand(events.mask.shape) * 2.0


@pytest.mark.parametrize("name", ALL)
def test_padding_a_history_changes_nothing(name: str) -> None:
    encoder, events = ALL[name](), tokens(1)
    wide = padded(events)
    wide_ages = padded(Tokens(ages(events)[..., None], events.mask)).values[..., 0]
    plain, spread = encoder(spoilt(events), ages(events)), encoder(wide, wide_ages)
    torch.testing.assert_close(spread.user, plain.user)
    torch.testing.assert_close(spread.events.values[wide.mask], plain.events.values[events.mask])


@pytest.mark.parametrize("name", ALL)
def test_an_empty_history_is_zeros_with_finite_gradients(name: str) -> None:
    encoder, events = ALL[name](), tokens(1)
    values = spoilt(events).values.requires_grad_()
    encoded = encoder(Tokens(values, events.mask), ages(events))
    torch.autograd.backward(encoded.user.square().sum() + encoded.events.values.square().sum())
    assert not encoded.user[0].any()
    assert values.grad is not None
    assert values.grad.isfinite().all()
    assert all(each.grad is not None and each.grad.any() for each in encoder.parameters())


@pytest.mark.parametrize("name", ORDERED)
def test_the_order_of_events_counts(name: str) -> None:
    encoder, events = ORDERED[name](), tokens(1, full=True)
    same_age = torch.zeros(events.mask.shape)
    assert not torch.allclose(encoder(events, same_age).user, encoder(permuted(events), same_age).user, atol=1e-3)


@pytest.mark.parametrize("name", ORDERED)
def test_the_age_of_events_counts(name: str) -> None:
    encoder, events = ORDERED[name](), tokens(1)
    assert not torch.allclose(encoder(events, ages(events)).user, encoder(events, ages(events) * 30).user, atol=1e-4)


@pytest.mark.parametrize("name", ORDERED)
def test_later_events_do_not_reach_earlier_ones(name: str) -> None:
    encoder, events = ORDERED[name](), tokens(1, full=True)
    values = events.values.clone()
    values[:, -1] *= -2.0
    before, after = (
        encoder(Tokens(each, events.mask), ages(events)).events.values[:, :-1] for each in (events.values, values)
    )
    torch.testing.assert_close(after, before)


def test_places_count_from_the_newest_event_whatever_the_padding() -> None:
    mask = torch.tensor([[True, False, True, True], [False, True, False, False]])
    assert ages_in_order(mask)[mask].tolist() == [2, 1, 0, 0]


def test_an_event_beyond_the_positions_is_still_read() -> None:
    encoder, events = TransformerHistory(DIM, positions=2), tokens(1, full=True)
    values = events.values.clone()
    values[:, 0] *= -2.0
    moved = encoder(Tokens(values, events.mask), ages(events)).user - encoder(events, ages(events)).user
    assert moved.abs().max() > 1e-4


@pytest.mark.parametrize("name", ALL)
def test_a_history_of_no_length_is_zeros(name: str) -> None:
    nothing = Tokens(torch.zeros(3, 0, DIM), torch.zeros(3, 0, dtype=torch.bool))
    encoded = ALL[name]()(nothing, torch.zeros(3, 0))
    assert torch.equal(encoded.user, torch.zeros(3, DIM))
    assert encoded.events.values.shape == (3, 0, DIM)
