import pytest
import torch

from modalmesh_services.fusion_ranker.models.parts.attention import TransformerBlock
from modalmesh_services.fusion_ranker.models.parts.frames import AttentionFrames, FramePooling, RecurrentFrames
from modalmesh_services.fusion_ranker.models.parts.fusion import (
    AddFusion,
    AttentionFusion,
    ConcatFusion,
    Fusion,
    GatedFusion,
)
from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens
from tests.unit.fusion_ranker.parts.made import DIM, padded, permuted, spoilt, tokens

FUSIONS = [ConcatFusion, AddFusion, GatedFusion, AttentionFusion]
FRAMES = [RecurrentFrames, AttentionFrames]
NAMES = ("text", "image", "frames")


def world() -> dict[str, Tokens]:
    return {name: tokens(place) for place, name in enumerate(NAMES)}


@pytest.mark.parametrize("kind", FUSIONS)
def test_fusion_does_not_depend_on_the_order_of_tokens(kind: type[Fusion]) -> None:
    fusion = kind(NAMES, DIM)
    turned = {name: permuted(part) for name, part in world().items()}
    torch.testing.assert_close(fusion(turned), fusion(world()))


@pytest.mark.parametrize("kind", FUSIONS)
def test_what_masked_tokens_hold_does_not_matter_to_fusion(kind: type[Fusion]) -> None:
    fusion = kind(NAMES, DIM)
    torch.testing.assert_close(fusion({name: spoilt(part) for name, part in world().items()}), fusion(world()))


@pytest.mark.parametrize("kind", FUSIONS)
def test_an_item_without_anything_has_finite_gradients(kind: type[Fusion]) -> None:
    fusion = kind(NAMES, DIM)
    items = {name: Tokens(spoilt(part).values.requires_grad_(), part.mask) for name, part in world().items()}
    torch.autograd.backward(fusion(items).square().sum())
    gradients = [each.grad for each in fusion.parameters()] + [part.values.grad for part in items.values()]
    assert all(each is not None and each.isfinite().all() for each in gradients)


@pytest.mark.parametrize("kind", FUSIONS)
def test_every_modality_that_is_there_has_a_say(kind: type[Fusion]) -> None:
    fusion, items = kind(NAMES, DIM), world()
    before = fusion(items)[1]
    for name in NAMES:
        changed = {**items, name: Tokens(items[name].values + 1.0, items[name].mask)}
        assert not torch.allclose(fusion(changed)[1], before, atol=1e-4)


def test_gates_add_up_to_one_over_what_is_there() -> None:
    fusion = GatedFusion(NAMES, DIM)
    means = Tokens(torch.randn(3, 3, DIM), torch.tensor([[True, True, False], [False, True, False], [False] * 3]))
    shares = fusion.shares(means)
    torch.testing.assert_close(shares.sum(dim=1), torch.tensor([1.0, 1.0, 0.0]))
    assert not shares[~means.mask].any()


@pytest.mark.parametrize("kind", FRAMES)
def test_padding_between_frames_changes_nothing(kind: type[FramePooling]) -> None:
    pooling, frames = kind(DIM), tokens(3)
    torch.testing.assert_close(pooling(padded(frames)).values, pooling(spoilt(frames)).values)


@pytest.mark.parametrize("kind", FRAMES)
def test_an_item_without_frames_has_no_token(kind: type[FramePooling]) -> None:
    pooled = kind(DIM)(tokens(3))
    assert pooled.mask[:, 0].tolist() == tokens(3).present.tolist()
    assert not pooled.values[0].any()


def test_the_order_of_frames_counts_by_rnn_and_not_by_attention() -> None:
    frames = tokens(3, full=True)
    recurrent, attention = RecurrentFrames(DIM), AttentionFrames(DIM)
    torch.testing.assert_close(attention(permuted(frames)).values, attention(frames).values)
    assert not torch.allclose(recurrent(permuted(frames)).values, recurrent(frames).values, atol=1e-3)


@pytest.mark.parametrize("kind", FRAMES)
def test_a_catalogue_without_frames_has_empty_tokens(kind: type[FramePooling]) -> None:
    pooled = kind(DIM)(Tokens(torch.zeros(3, 0, DIM), torch.zeros(3, 0, dtype=torch.bool)))
    assert not pooled.mask.any()
    assert torch.equal(pooled.values, torch.zeros(3, 1, DIM))


def test_what_a_token_looks_at_passes_a_layer_norm() -> None:
    block, context = TransformerBlock(DIM, 2), tokens(2)
    larger = Tokens(context.values * 100.0, context.mask)
    torch.testing.assert_close(block(tokens(1), larger).values, block(tokens(1), context).values, rtol=1e-3, atol=1e-3)
