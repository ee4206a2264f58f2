import math

import pytest

from modalmesh.errors import InvalidInput, NotFound
from modalmesh.types import Explanation
from tests.integration.gateway.meshes import Mesh
from tests.integration.gateway.shop import rating


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


@pytest.fixture
async def liked(shop: Mesh) -> Mesh:
    """Ada likes two things, and hates one."""
    await shop.client.record_events(
        [rating("ada", "red-mug"), rating("ada", "lamp", after_ms=1), rating("ada", "poster", 1.0, after_ms=2)]
    )
    return shop


async def explanation_of(mesh: Mesh, item_id: str) -> Explanation:
    (explanation,) = (await mesh.client.explain("ada", [item_id])).explanations
    return explanation


async def test_contributions_add_up_to_the_logit(liked: Mesh) -> None:
    answer = await liked.client.explain("ada", ["red-cup", "bulb", "blue-mug"])
    assert [each.item_id for each in answer.explanations] == ["red-cup", "bulb", "blue-mug"]
    for each in answer.explanations:
        total = each.bias + sum(signal.contribution for signal in each.signals)
        assert total == pytest.approx(logit(each.probability), abs=1e-6)
        assert sum(signal.share for signal in each.signals) == pytest.approx(1.0)


async def test_what_the_liked_items_added_adds_up_to_text_and_image(liked: Mesh) -> None:
    each = await explanation_of(liked, "red-cup")
    signals = {signal.signal: signal.contribution for signal in each.signals}
    by_item = sum(share.contribution for share in each.history)
    assert {share.item_id for share in each.history} == {"red-mug", "lamp"}
    assert by_item == pytest.approx(signals["text"] + signals["image"], abs=1e-6)


async def test_an_item_is_explained_with_the_score_that_it_is_recommended_with(liked: Mesh) -> None:
    scores = {item.item_id: item.score for item in (await liked.client.recommend("ada", k=10)).items}
    for each in (await liked.client.explain("ada", list(scores))).explanations:
        assert each.probability == pytest.approx(scores[each.item_id], abs=1e-6)


async def test_the_sentence_names_what_it_is_close_to_and_by_what(liked: Mesh) -> None:
    each = await explanation_of(liked, "blue-mug")
    share = next(signal.share for signal in each.signals if signal.signal == "text")
    assert each.history[0].item_id == "red-mug"
    assert each.sentence == f"Close to “red mug for tea”, by what it says ({round(100 * share)} %)."


async def test_what_is_named_as_decisive_moves_the_score_when_it_is_taken_away(liked: Mesh) -> None:
    candidates = ["red-cup", "bulb", "blue-mug"]
    events = list((await liked.client.get_history("ada")).events)
    decisive = (await explanation_of(liked, "blue-mug")).history[0].item_id
    rest = [event for event in events if event.item_id != decisive]
    before = {item.item_id: item.score for item in (await liked.client.rank(candidates, history=events)).items}
    after = {item.item_id: item.score for item in (await liked.client.rank(candidates, history=rest)).items}
    assert before["blue-mug"] > after["blue-mug"] + 0.05


async def test_a_seen_item_is_not_explained_by_itself(liked: Mesh) -> None:
    each = await explanation_of(liked, "lamp")
    assert [share.item_id for share in each.history] == ["red-mug"]


async def test_for_a_stranger_nothing_in_the_history_speaks(liked: Mesh) -> None:
    (each,) = (await liked.client.explain("stranger", ["bulb"])).explanations
    assert (each.history, each.sentence) == ((), "Nothing in the history speaks clearly for it.")


async def test_an_item_that_is_not_there_is_named(liked: Mesh) -> None:
    with pytest.raises(NotFound, match="there is no item 'nothing'"):
        await liked.client.explain("ada", ["lamp", "nothing"])


async def test_an_item_asked_for_twice_is_refused(liked: Mesh) -> None:
    with pytest.raises(InvalidInput) as refused:
        await liked.client.explain("ada", ["bulb", "bulb", "red-cup"])
    assert (refused.value.field, refused.value.reason) == ("item_ids", "DUPLICATE_ID")
