"""The key scheme: one slot a script, whatever ids and namespaces hold."""

from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from modalmesh_gateway.store import EmbeddingKey
from modalmesh_gateway.store.keys import CACHE_PARTITIONS, ItemSlot, UserSlot, cache_key, cache_partition, partition_of

NAMES = st.text(min_size=1, max_size=40) | st.sampled_from(["{", "}", "{}", "a}b{c", ":", "%7D", "i:0}", "}:i:1"])


def hash_tag(key: str) -> str:
    """As Redis Cluster finds it: between the first brace that opens and the first one after it that closes."""
    return key[key.index("{") + 1 : key.index("}", key.index("{"))]


@given(namespace=NAMES, item_id=NAMES, partition=st.integers(0, 1023))
def test_all_keys_of_an_item_lie_in_one_slot(namespace: str, item_id: str, partition: int) -> None:
    slot = ItemSlot.of(namespace, partition)
    keys = [slot.ids, slot.pending, slot.changes, slot.sequence]
    keys += [slot.item(item_id), slot.contents(item_id), slot.gone(item_id)]
    assert len({key_slot(key.encode()) for key in keys}) == 1
    assert len(set(keys)) == len(keys)
    assert {hash_tag(key) for key in keys} == {slot.tag[4:-1]}


@given(namespace=NAMES, user_id=NAMES, partition=st.integers(0, 1023))
def test_all_keys_of_a_user_lie_in_one_slot(namespace: str, user_id: str, partition: int) -> None:
    slot = UserSlot.of(namespace, partition)
    keys = [slot.counts, slot.log, slot.sequence, slot.recent(user_id), slot.seen(user_id), slot.event_ids(user_id)]
    assert len({key_slot(key.encode()) for key in keys}) == 1
    assert len(set(keys)) == len(keys)


@given(first=st.tuples(NAMES, NAMES), second=st.tuples(NAMES, NAMES))
def test_two_items_never_share_a_key(first: tuple[str, str], second: tuple[str, str]) -> None:
    keys = {
        key
        for namespace, item_id in {first, second}
        for slot in [ItemSlot.of(namespace, 0)]
        for key in (slot.item(item_id), slot.contents(item_id), slot.gone(item_id))
    }
    assert len(keys) == 3 * len({first, second})


@given(first=st.tuples(NAMES, NAMES), second=st.tuples(NAMES, NAMES))
def test_two_embeddings_never_share_a_key(first: tuple[str, str], second: tuple[str, str]) -> None:
    keys = {cache_key(EmbeddingKey(*each)) for each in {first, second}}
    assert len(keys) == len({first, second})


@given(fingerprint=NAMES, content_hash=NAMES)
def test_an_embeddings_slot_is_its_partitions(fingerprint: str, content_hash: str) -> None:
    key = EmbeddingKey(fingerprint, content_hash)
    assert hash_tag(cache_key(key)) == f"c:{cache_partition(key)}"
    assert 0 <= cache_partition(key) < CACHE_PARTITIONS


def test_partitions_are_the_same_for_ever() -> None:
    assert [partition_of(name, 16) for name in ("lamp", "tt0111161", "❤")] == [6, 13, 10]


def test_names_spread_over_all_partitions() -> None:
    counts = [0] * 16
    for number in range(4096):
        counts[partition_of(f"item-{number}", 16)] += 1
    assert 150 < min(counts) <= max(counts) < 400
