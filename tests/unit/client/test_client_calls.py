"""What each call asks, and how its answer reads."""

import inspect

import numpy as np
import pytest

from modalmesh import convert, types
from modalmesh.client import AsyncClient, Client
from modalmesh.errors import InvalidInput
from modalmesh.v1 import recommender_service_pb2 as v1
from tests.unit.client.scripted_gateway import ScriptedGateway

ITEM = types.Item("lamp", title="Lamp", tags=("light",), attributes={"colour": ("red",)}, time_ms=-5)
SERVED = types.Served("rank", (types.Lack("image-encoder", "SERVICE_UNAVAILABLE"),), "zero-shot", 12)
EXPLANATION = types.Explanation(
    "lamp",
    0.75,
    -0.5,
    (types.SignalShare("text", 1.5, 1.0),),
    (types.HistoryShare("chair", 1.5, 1.0, (types.SignalShare("text", 1.5, 1.0),)),),
    "Its text is close to chair.",
    (types.WordShare("title", 0, 4, "Lamp", 0.5, 1.0),),
    (types.RegionShare(0, 0.0, 0.0, 0.5, 1.0, -0.25, 0.0),),
    0.875,
    1.0,
)
RANKED = types.RankedItem("lamp", 0.75, "Lamp", EXPLANATION)
RANKED_PROTO = convert.ranked_item_to_proto(RANKED)
SERVED_PROTO = convert.served_to_proto(SERVED)


def test_both_clients_have_the_same_calls_with_the_same_parameters() -> None:
    calls = {name for name in vars(Client) if not name.startswith("_")}
    assert calls == {name for name in vars(AsyncClient) if not name.startswith("_")}
    for name in calls:
        ours, theirs = inspect.signature(getattr(Client, name)), inspect.signature(getattr(AsyncClient, name))
        assert ours.parameters == theirs.parameters, name


def test_recommend_asks_for_the_user_in_the_namespace(client: Client, gateway: ScriptedGateway) -> None:
    client.recommend("ada", 3, explain=True)
    assert gateway.requests("Recommend") == [v1.RecommendRequest(namespace="shop", user_id="ada", k=3, explain=True)]


def test_recommend_reads_items_reasons_and_what_was_lacked(client: Client, gateway: ScriptedGateway) -> None:
    gateway.answers["Recommend"] = v1.RecommendResponse(items=[RANKED_PROTO], served=SERVED_PROTO)
    answer = client.recommend("ada")
    assert answer == types.RankedItems((RANKED,), SERVED)
    assert answer.served.degraded


def test_rank_sends_candidates_and_a_history_and_reads_unknown_ids(client: Client, gateway: ScriptedGateway) -> None:
    gateway.answers["Rank"] = v1.RankResponse(items=[RANKED_PROTO], unknown=["ghost"], served=SERVED_PROTO)
    event = types.Event("ada", "chair", 5, "view")
    answer = client.rank(["lamp", "ghost"], history=[event])
    (request,) = gateway.requests("Rank")
    assert list(request.item_ids) == ["lamp", "ghost"]
    assert [convert.event_from_proto(sent) for sent in request.history] == [event]
    assert answer.unknown == ("ghost",)


@pytest.mark.parametrize("by", ["fused", "text", "image"])
def test_similar_items_says_by_which_vectors(client: Client, gateway: ScriptedGateway, by: types.SimilarBy) -> None:
    client.similar_items("lamp", k=4, by=by)
    (request,) = gateway.requests("SimilarItems")
    assert (request.item_id, request.k, convert.similar_by_from_proto(request.by)) == ("lamp", 4, by)


def test_search_takes_text_and_a_file(client: Client, gateway: ScriptedGateway) -> None:
    client.search_items("red lamp", b"\xff\xd8", k=2)
    assert gateway.requests("SearchItems") == [
        v1.SearchItemsRequest(namespace="shop", text="red lamp", image=b"\xff\xd8", k=2)
    ]


def test_search_takes_pixels_as_an_array(client: Client, gateway: ScriptedGateway) -> None:
    client.search_items(image=np.zeros((4, 6, 3), np.uint8))
    (request,) = gateway.requests("SearchItems")
    assert request.image.startswith(b"\x89PNG")


def test_explain_reads_signals_history_words_and_regions(client: Client, gateway: ScriptedGateway) -> None:
    gateway.answers["Explain"] = v1.ExplainResponse(
        explanations=[convert.explanation_to_proto(EXPLANATION)], served=SERVED_PROTO
    )
    assert client.explain("ada", ["lamp"]) == types.Explanations((EXPLANATION,), SERVED)


def test_explain_asks_for_words_and_regions_of_the_pictures_that_it_brings(
    client: Client, gateway: ScriptedGateway
) -> None:
    client.explain("ada", ["lamp"], words=True, regions=True, pictures=[b"\xff\xd8", b"\x89PNG"])
    assert gateway.requests("Explain") == [
        v1.ExplainRequest(
            namespace="shop",
            user_id="ada",
            item_ids=["lamp"],
            words=True,
            regions=True,
            pictures=[b"\xff\xd8", b"\x89PNG"],
        )
    ]


def test_one_picture_in_the_place_of_a_list_is_refused(client: Client) -> None:
    with pytest.raises(InvalidInput, match="must be a list of files"):
        client.explain("ada", ["lamp"], regions=True, pictures=b"\xff\xd8")  # type: ignore[arg-type]


def test_get_item_reads_the_item(client: Client, gateway: ScriptedGateway) -> None:
    gateway.answers["GetItem"] = v1.GetItemResponse(item=convert.item_to_proto(ITEM))
    assert client.get_item("lamp") == ITEM


def test_list_items_goes_through_all_pages(client: Client, gateway: ScriptedGateway) -> None:
    pages = {"": (["a", "b"], "2"), "2": ([], "3"), "3": (["c"], "")}

    def page(request: v1.ListItemsRequest) -> v1.ListItemsResponse:
        ids, following = pages[request.page_token]
        items = [convert.item_to_proto(types.Item(item_id)) for item_id in ids]
        return v1.ListItemsResponse(items=items, next_page_token=following)

    gateway.answers["ListItems"] = page
    assert [item.item_id for item in client.list_items()] == ["a", "b", "c"]


def test_delete_items_reads_unknown_ids(client: Client, gateway: ScriptedGateway) -> None:
    gateway.answers["DeleteItems"] = v1.DeleteItemsResponse(deleted=1, unknown=["ghost"])
    assert client.delete_items(["lamp", "ghost"]) == types.DeleteSummary(1, ("ghost",))


def test_get_history_reads_events(client: Client, gateway: ScriptedGateway) -> None:
    event = types.Event("ada", "lamp", 5, "rating", 4.5, "e1")
    gateway.answers["GetHistory"] = v1.GetHistoryResponse(events=[convert.event_to_proto(event)], seen_items=7)
    assert client.get_history("ada") == types.History((event,), 7)


def test_status_reads_all_parts(client: Client, gateway: ScriptedGateway) -> None:
    status = types.Status(
        "0.1.0",
        (types.ServiceStatus("text-encoder", "127.0.0.1:1", True, "", types.ModelInfo("m", "f", "cpu", 384)),),
        types.StoreStatus(True, "Valkey 9.1", "fsync-always", True, 1),
        (types.NamespaceStatus("shop", 3, 2, 1, 0, 9, 4, loading=True),),
        types.CacheStatus(1, 2, 3, 4),
    )
    gateway.answers["GetStatus"] = convert.status_to_proto(status)
    assert client.status() == status


@pytest.mark.parametrize("k", [-1, 2**32])
def test_a_k_that_no_message_holds_is_refused_with_its_field(client: Client, gateway: ScriptedGateway, k: int) -> None:
    with pytest.raises(InvalidInput, match="1 to 1000") as refused:
        client.recommend("ada", k)
    assert refused.value.field == "k"
    assert not gateway.received


def test_one_string_is_no_list_of_ids(client: Client, gateway: ScriptedGateway) -> None:
    with pytest.raises(InvalidInput, match="one string"):
        client.delete_items("abc")
    assert not gateway.received


def test_an_unknown_way_to_compare_is_refused(client: Client) -> None:
    with pytest.raises(InvalidInput, match="fused, text or image"):
        client.similar_items("lamp", by="smell")  # type: ignore[arg-type]  # what an untyped caller may do


def test_half_of_a_surrogate_pair_is_refused(client: Client) -> None:
    with pytest.raises(InvalidInput, match="surrogates"):
        client.get_history("ada\ud800")
