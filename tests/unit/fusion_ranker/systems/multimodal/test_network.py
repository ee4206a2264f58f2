from collections.abc import Mapping

import pytest
import torch

from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens
from modalmesh_services.fusion_ranker.systems.multimodal.items import Items, Layout
from modalmesh_services.fusion_ranker.systems.multimodal.learning import system
from modalmesh_services.fusion_ranker.systems.multimodal.network import Events, Network, Popularity
from tests.unit.fusion_ranker.systems.multimodal.made import TINY
from tests.unit.fusion_ranker.systems.multimodal.test_reading_configurations import NAMED

VALUES = (("genres", "a"), ("genres", "b"), ("cast", "c"))
VARIANTS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    **{name: (name, {}) for name in NAMED},
    "deep": ("MultiModalProductRecommender", {"collaborative.signals": ["deep", "item_item"]}),
    "lstm": ("MultiModalVideoRecommender", {"history.kind": "lstm", "frames.kind": "attention"}),
    "token": ("FeatureAligner", {"completion.kind": "token", "balance.gates": True, "alignment.kind": "adversarial"}),
    "bare": ("FeatureAligner", {"collaborative.ids": False, "collaborative.signals": [], "head.attention": 0}),
}


def layout(modalities: tuple[str, ...], text: int = 6, image: int = 10) -> Layout:
    sizes = {"text": text, "image": image, "frames": image}
    return Layout(
        tuple((name, sizes[name], 4) for name in modalities if name in sizes),
        VALUES if "attributes" in modalities else (),
    )


def items(own: Layout, count: int = 7) -> Items:
    """Of item 0 nothing is known."""
    chance = torch.Generator().manual_seed(0)
    tokens = {}
    for name, size, _ in own.dims:
        mask = torch.rand(count, 3, generator=chance) < 0.5
        mask[0] = False
        tokens[name] = Tokens(torch.randn(count, 3, size, generator=chance), mask)
    attributes = torch.randint(0, 4, (count, len(own.fields), 2), generator=chance)
    attributes[0] = 0
    return Items(tokens, attributes)


def made(name: str, **changes: object) -> Network:
    torch.manual_seed(0)
    base, own = VARIANTS[name]
    settings = system(base, {**TINY, **own, **changes}).settings
    return Network(settings, layout(settings.modalities), 5).eval()


def events(network: Network, length: int = 4) -> Events:
    """Two users, the second without a history."""
    torch.manual_seed(1)
    ids = torch.randint(0, 6, (2, length))
    vectors = network.with_ids(torch.randn(2, length, network.configuration.dim), ids)
    mask = torch.tensor([[True] * length, [False] * length])
    return Events(vectors, ids, torch.rand(2, length) * 9, torch.rand(2, length) < 0.7, mask)


def candidates(network: Network) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(2)
    ids = torch.tensor([[0, 1, 5], [3, 0, 2]])
    return network.with_ids(torch.randn(2, 3, network.configuration.dim), ids), ids


@pytest.mark.parametrize("name", VARIANTS)
def test_every_item_and_every_user_has_a_finite_logit_that_reaches_all_that_learns(name: str) -> None:
    network = made(name)
    own = items(network.layout)
    encoded = network.items(network.items.prepared(own))
    past = events(network)
    network.zero_grad()
    logits = network.logits(past, network.read(past), *candidates(network))
    losses = [loss for part in network.items.losses(encoded, own).values() for loss in part.values()]
    torch.autograd.backward(torch.stack([logits.sum(), encoded.vectors.sin().sum(), *losses]).sum())
    assert logits.shape == (2, 3)
    assert encoded.vectors.shape == (7, 8)
    learns = {name for name, each in network.named_parameters() if each.requires_grad}
    assert {name for name, each in network.named_parameters() if each.grad is not None} == learns
    assert all(each.grad is None or each.grad.isfinite().all() for each in network.parameters())


@pytest.mark.parametrize("name", VARIANTS)
def test_an_item_is_the_same_whoever_is_beside_it(name: str) -> None:
    network = made(name)
    prepared = network.items.prepared(items(network.layout))
    alone = network.items(prepared[slice(3, 4)]).vectors
    torch.testing.assert_close(network.items(prepared).vectors[3:4], alone)


@pytest.mark.parametrize("name", NAMED)
def test_leaving_out_a_modality_is_lacking_it(name: str) -> None:
    network = made(name)
    own = network.items.prepared(items(network.layout))
    place = network.items.names.index("text")
    kept = torch.arange(len(network.items.names)) != place
    lacking = Tokens(own.tokens["text"].values, torch.zeros_like(own.tokens["text"].mask))
    without = network.items(own, kept).vectors
    torch.testing.assert_close(without, network.items(Items({**own.tokens, "text": lacking}, own.attributes)).vectors)
    assert not torch.allclose(without[1:], network.items(own).vectors[1:], atol=1e-3)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_order_of_candidates_and_padding_do_not_matter(name: str) -> None:
    network = made(name)
    past, (vectors, ids) = events(network), candidates(network)
    logits = network.logits(past, network.read(past), vectors, ids)
    turned = network.logits(past, network.read(past), vectors.flip(1), ids.flip(1)).flip(1)
    nothing = events(network, 2)
    nothing = Events(nothing.vectors, nothing.ids, nothing.ages, nothing.positive, torch.zeros(2, 2, dtype=torch.bool))
    pairs = zip(_fields(past), _fields(nothing), strict=True)
    wider = Events(*(torch.cat(pair, dim=1) for pair in pairs))
    torch.testing.assert_close(turned, logits)
    torch.testing.assert_close(network.logits(wider, network.read(wider), vectors, ids), logits)


def test_the_head_needs_no_history_at_all() -> None:
    network = made("MultiModalAttention")
    none = events(network)
    none = Events(*(each[:, :0] for each in _fields(none)))
    assert network.logits(none, network.read(none), *candidates(network)).isfinite().all()


def test_popularity_is_the_logarithm_in_deviations_and_nothing_for_a_cold_item() -> None:
    signal = Popularity(3)
    signal.start_from(torch.tensor([0.0, 3.0, 63.0]))
    found = signal(torch.zeros(1, 0, dtype=torch.int64), torch.tensor([[0, 1, 2, 3]]))[0, :, 0].tolist()
    assert found[0] == 0.0
    assert found[1] < found[2] < found[3]
    assert sum(found) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("dim", "name"), [(16, "FeatureAligner"), (2048, "FeatureAligner"), (16, "MultiModalAttention")]
)
def test_the_classic_sizes_work(dim: int, name: str) -> None:
    """BERT's 768 and ResNet50's 2048; once aligned to 2048 as they used to be."""
    settings = system(name, {"dim": dim, "history.kind": "mean", "head.attention": 4}).settings
    own = layout(settings.modalities, 768, 2048)
    network = Network(settings, own, 2).eval()
    encoded = network.items(network.items.prepared(items(own, 3)))
    past = Events(encoded.vectors[None], torch.tensor([[1, 2, 0]]), torch.ones(1, 3), *[torch.ones(1, 3).bool()] * 2)
    logits = network.logits(past, network.read(past), encoded.vectors[None], past.ids)
    assert encoded.vectors.shape == (3, dim)
    assert logits.isfinite().all()


def _fields(past: Events) -> list[torch.Tensor]:
    return [past.vectors, past.ids, past.ages, past.positive, past.mask]
