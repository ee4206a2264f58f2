"""The zero-shot model's comparisons on a device say what they say in numpy."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pytest

from modalmesh_services.common.backends.device import Device
from modalmesh_services.fusion_ranker.models.zero_shot_on_device import ZeroShotOnDevice
from modalmesh_services.fusion_ranker.requests import NO_ROW, ExplainRequest, Flags, RankRequest
from tests.fake_device import FakeDevice, fake_cuda
from tests.unit.fusion_ranker.builders import CONFIG, IMAGE_DIM, RANKER, TEXT_DIM, blank, both, kinds, ranking

COUNT = 40
LIKED, RANKED = range(8), [*range(4, COUNT), NO_ROW]
EVEN = np.arange(COUNT) % 2 == 0
ALL = np.ones(COUNT, np.bool_)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDevice]:
    with fake_cuda(monkeypatch) as fake:
        yield fake


def asked(**lacking: Flags) -> RankRequest:
    """Some candidates are liked items themselves, one has no vector."""
    chance, labels = np.random.default_rng(0), [row % 5 for row in range(COUNT)]
    vectors = blank(both(kinds(chance, labels, TEXT_DIM), kinds(chance, labels, IMAGE_DIM)), **lacking)
    return ranking(vectors, LIKED, RANKED, np.arange(len(RANKED)).tolist())


def varied() -> RankRequest:
    """Every third candidate is one as it would be with another vector."""
    request = asked()
    variations = np.arange(len(RANKED)) % 3 == 0
    return replace(request, candidates=replace(request.candidates, variations=variations))


REQUESTS: Mapping[str, RankRequest] = {
    "whole": asked(),
    "half without text": asked(text=EVEN),
    "half without pictures": asked(image=EVEN),
    "without any text": asked(text=ALL),
    "without anything": asked(text=ALL, image=ALL),
    "variations": varied(),
    "one liked item": ranking(asked().vectors.values, [0], RANKED),
    "a history of nothing": ranking(asked().vectors.values, [], RANKED),
    "one candidate": ranking(asked().vectors.values, LIKED, [9]),
}


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("name", REQUESTS)
def test_a_device_ranks_and_explains_as_numpy_does(name: str) -> None:
    request, ours = REQUESTS[name], ZeroShotOnDevice(CONFIG, Device("cuda"))
    np.testing.assert_allclose(ours.rank(request), RANKER.rank(request), rtol=1e-6)
    places = range(len(request.candidates.item_ids))
    for told, expected in zip(
        ours.explain(ExplainRequest(request, places)), RANKER.explain(ExplainRequest(request, places)), strict=True
    ):
        assert told.probability == pytest.approx(expected.probability, rel=1e-6)
        contributions = [[signal.contribution for signal in each.signals] for each in (told, expected)]
        np.testing.assert_allclose(contributions[0], contributions[1], rtol=1e-5, atol=1e-6)
        history = [{share.item_id: share.contribution for share in each.history} for each in (told, expected)]
        assert history[0] == pytest.approx(history[1], rel=1e-5, abs=1e-6)


def test_a_requests_vectors_are_sent_once_and_the_device_is_waited_for_a_few_times(device: FakeDevice) -> None:
    model = ZeroShotOnDevice(CONFIG, Device("cuda"))
    model.rank(REQUESTS["whole"])
    assert all(device.sent)
    assert len(device.sent) == 7
    # By either modality: which candidates and which liked items have it, which of them are counted, its weight, scores.
    assert device.waits == 2 * 5


@pytest.mark.usefixtures("device")
def test_its_revision_is_that_of_the_cpu_and_its_build_says_the_device() -> None:
    model = ZeroShotOnDevice(CONFIG, Device("cuda"))
    assert model.description.revision == RANKER.description.revision
    assert [each.description.build.split("/")[1] for each in (model, RANKER)] == ["cuda", "cpu"]
