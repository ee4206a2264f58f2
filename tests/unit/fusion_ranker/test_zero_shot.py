"""What the zero-shot model makes of histories and candidates, healthy and degenerate."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modalmesh.embeddings import Dtype, FloatMatrix, pack, unpack
from modalmesh_services.fusion_ranker.models.zero_shot import ZeroShotConfig, ZeroShotRanker
from modalmesh_services.fusion_ranker.requests import NO_ROW, Candidates, ProposeRequest, RankRequest
from tests.unit.fusion_ranker.builders import (
    CONFIG,
    IMAGE_DIM,
    RANKER,
    TEXT_DIM,
    blank,
    both,
    candidates,
    fused,
    history,
    kinds,
    probabilities,
    ranking,
    user,
)

# Eight liked items of kind 0, then twenty candidates of the kinds 0 to 4.
LIKED, RANKED = range(8), range(8, 28)
KINDS = [0] * 8 + [place % 5 for place in range(20)]
OF_KIND = {f"item-{row}" for row in RANKED if KINDS[row] == 0}
ALL = np.ones(28, dtype=np.bool_)


def world(seed: int = 0) -> FloatMatrix:
    """Both modalities tell the kind."""
    chance = np.random.default_rng(seed)
    return both(kinds(chance, KINDS, TEXT_DIM), kinds(chance, KINDS, IMAGE_DIM))


def best(request: RankRequest, count: int = 4) -> set[str]:
    scores = probabilities(request)
    return set(sorted(scores, key=lambda item_id: -scores[item_id])[:count])


@pytest.mark.parametrize("lacking", [{}, {"text": ALL}, {"image": ALL}])
def test_what_is_like_what_was_liked_comes_first(lacking: dict[str, np.ndarray]) -> None:
    assert best(ranking(blank(world(), **lacking), LIKED, RANKED)) == OF_KIND


@pytest.mark.parametrize("told_by", ["text", "image"])
def test_the_modality_that_a_user_chooses_by_counts(told_by: str) -> None:
    chance = np.random.default_rng(1)
    any_kind = chance.integers(0, 5, 28).tolist()
    text = kinds(chance, KINDS if told_by == "text" else any_kind, TEXT_DIM)
    image = kinds(chance, KINDS if told_by == "image" else any_kind, IMAGE_DIM)
    assert len(best(ranking(both(text, image), LIKED, RANKED)) & OF_KIND) >= 3


def test_one_liked_item_is_enough() -> None:
    assert best(ranking(world(), [3], RANKED)) == OF_KIND


def test_a_user_of_two_tastes_gets_both() -> None:
    rows = [*LIKED[:3], *(row for row in RANKED if KINDS[row] == 1)]
    scores = probabilities(ranking(world(), rows[:5], [row for row in RANKED if row not in rows[:5]]))
    order = sorted(scores, key=lambda item_id: -scores[item_id])
    assert {KINDS[int(item_id.removeprefix("item-"))] for item_id in order[:6]} == {0, 1}


def test_without_likes_popularity_decides() -> None:
    counts = [7, 0, 100, 3]
    plain = ranking(world(), [], [8, 9, 10, 11], counts)
    assert np.argsort(RANKER.rank(plain)).tolist() == np.argsort(counts).tolist()
    disliked = replace(plain, history=history(LIKED, positive=[False] * 8))
    np.testing.assert_array_equal(RANKER.rank(disliked), RANKER.rank(plain))


def test_popularity_tips_the_balance_between_equals() -> None:
    vectors = world()
    vectors[9] = vectors[8]
    few, many = RANKER.rank(ranking(vectors, LIKED, [8, 9, 10, 11], [1, 50, 10, 10]))[:2]
    assert few < many


def test_candidates_without_vectors_are_ranked_by_popularity_alone() -> None:
    request = ranking(world(), LIKED, [NO_ROW, 8, NO_ROW], [5, 5, 50])
    cold, _, popular = RANKER.rank(request)
    assert cold < popular
    like, _, unlike = RANKER.rank(ranking(world(), LIKED, [13, NO_ROW, 9]))
    assert like > unlike
    bare = ranking(np.zeros((0, 0), np.float32), [], [NO_ROW, NO_ROW], [5, 50])
    assert RANKER.rank(bare)[0] < RANKER.rank(bare)[1]


@given(seed=st.integers(0, 100), order=st.permutations(range(20)))
def test_the_order_of_the_candidates_does_not_matter(seed: int, order: list[int]) -> None:
    chance = np.random.default_rng(seed)
    vectors = blank(world(seed), chance.random(28) < 0.3, chance.random(28) < 0.3)
    counts = chance.integers(0, 9, 20)
    plain = probabilities(ranking(vectors, LIKED, RANKED, counts.tolist()))
    shuffled = probabilities(ranking(vectors, LIKED, [RANKED[place] for place in order], counts[order].tolist()))
    assert shuffled == pytest.approx(plain, abs=1e-6)


def test_a_liked_item_does_not_speak_for_itself() -> None:
    """Item 0 is liked, and unlike all else that is: it must not come first by being close to itself."""
    labels = [3, *[0] * 7, *KINDS[8:]]
    chance = np.random.default_rng(2)
    vectors = both(kinds(chance, labels, TEXT_DIM), kinds(chance, labels, IMAGE_DIM))
    scores = probabilities(ranking(vectors, LIKED, [0, *RANKED]))
    assert scores["item-0"] < min(scores[item_id] for item_id in OF_KIND)


@pytest.mark.parametrize("liked", [[], [0], [0, 1, 2]])
def test_candidates_that_are_all_the_same_get_the_same(liked: list[int]) -> None:
    vectors = np.repeat(world()[:1], 10, axis=0)
    scores = RANKER.rank(ranking(vectors, liked, range(3, 10)))
    assert np.ptp(scores) < 1e-6
    assert 0 < scores[0] < 1


def test_candidates_that_differ_by_rounding_alone_get_the_same() -> None:
    """Two thousand of them: without their mean nothing is left but noise, whose direction says nothing."""
    chance = np.random.default_rng(0)
    copies = np.repeat(world()[8:9], 2000, axis=0) * (1 + 6e-8 * chance.normal(size=(2000, TEXT_DIM + IMAGE_DIM)))
    vectors = np.concatenate([world()[:1], copies.astype(np.float32)])
    assert np.ptp(RANKER.rank(ranking(vectors, [0], range(1, 2001)))) < 1e-3


def test_one_candidate_alone_has_a_probability_above_that_of_a_stranger() -> None:
    like, unlike = (RANKER.rank(ranking(world(), LIKED, [row]))[0] for row in (8, 9))
    assert 0 < unlike < like < 1


@given(
    seed=st.integers(0, 1000),
    scale=st.sampled_from([0.0, 1e-30, 1e-6, 1.0, 1e3, 1e6]),
    liked=st.integers(0, 6),
    ranked=st.integers(1, 6),
    same=st.booleans(),
)
def test_whatever_passes_the_door_gets_a_probability(
    seed: int, scale: float, liked: int, ranked: int, same: bool
) -> None:
    chance = np.random.default_rng(seed)
    vectors = chance.uniform(-1, 1, (12, TEXT_DIM + IMAGE_DIM)) * scale
    vectors[chance.random(12) < 0.3] *= chance.choice([0.0, -1.0, 1e-3])
    if same:
        vectors[:] = vectors[0]
    # Rows and items of the history are among those of the candidates, too.
    counts = chance.choice([0, 1, 2**63 - 1], ranked).tolist()
    scores = RANKER.rank(ranking(vectors.astype(np.float32), range(liked), range(5, 5 + ranked), counts))
    assert ((scores >= 0) & (scores <= 1)).all()


def test_vectors_stored_in_a_byte_rank_the_same() -> None:
    request = ranking(world(), LIKED, RANKED)
    short = unpack(pack(request.vectors, Dtype.I8))
    np.testing.assert_allclose(RANKER.rank(replace(request, vectors=short)), RANKER.rank(request), atol=0.02)


def test_queries_point_at_what_was_liked_by_text_and_by_picture() -> None:
    vectors = world()
    queries = RANKER.encode_user(user(vectors, LIKED))
    assert queries.vectors.shape == (2, TEXT_DIM + IMAGE_DIM)
    assert queries.weights.sum() == pytest.approx(1.0)
    for query in queries.vectors:
        assert np.linalg.norm(query) == pytest.approx(1.0, abs=1e-5)
        scores = vectors[RANKED] @ query
        assert {f"item-{RANKED[place]}" for place in np.argsort(-scores)[:4]} == OF_KIND


def test_a_modality_that_the_history_lacks_has_no_query() -> None:
    queries = RANKER.encode_user(user(blank(world(), image=ALL), LIKED))
    assert queries.vectors.shape[0] == 1
    assert not queries.vectors[0, TEXT_DIM:].any()


def test_a_modality_weighs_by_how_much_of_the_history_has_it() -> None:
    mostly = np.arange(28) > 1
    full = RANKER.encode_user(user(world(), LIKED)).weights
    thin = RANKER.encode_user(user(blank(world(), image=mostly), LIKED)).weights
    assert thin[1] < full[1]


@pytest.mark.parametrize("vectors", [np.zeros((28, TEXT_DIM + IMAGE_DIM), np.float32), world()])
def test_a_history_that_says_nothing_has_no_queries(vectors: FloatMatrix) -> None:
    liked = LIKED if not vectors.any() else []
    queries = RANKER.encode_user(user(vectors, liked))
    assert (queries.vectors.shape, queries.weights.shape) == ((0, TEXT_DIM + IMAGE_DIM), (0,))
    bare = replace(user(world(), [NO_ROW]), vectors=fused(np.zeros((0, 0), np.float32)))
    assert len(RANKER.encode_user(bare).vectors) == 0


def test_it_proposes_nothing() -> None:
    assert list(RANKER.propose(ProposeRequest(history(LIKED), 10, 0))) == []


def test_a_variation_scores_as_the_candidate_would_with_its_vector_and_changes_no_other_score() -> None:
    request = ranking(world(), LIKED, RANKED)
    first = request.candidates.item_ids[0]
    varied = Candidates(
        [*request.candidates.item_ids, first, first],
        np.concatenate([request.candidates.rows, request.candidates.rows[[0, 5]]]),
        np.full(len(RANKED) + 2, np.nan),
        np.concatenate([request.candidates.event_counts, request.candidates.event_counts[[0, 0]]]),
        np.arange(len(RANKED) + 2) >= len(RANKED),
    )
    scores = RANKER.rank(replace(request, candidates=varied))
    np.testing.assert_allclose(scores[: len(RANKED)], RANKER.rank(request))
    assert scores[-2] == pytest.approx(scores[0])
    assert scores[-1] == pytest.approx(scores[5])


def test_a_revision_names_all_that_changes_scores() -> None:
    assert ZeroShotConfig(text_dim=TEXT_DIM, image_dim=IMAGE_DIM).revision == CONFIG.revision
    others = [
        replace(CONFIG, image_dim=25),
        replace(CONFIG, recency_power=0.3),
        replace(CONFIG, kernel=replace(CONFIG.kernel, spread=0.2)),
    ]
    assert len({CONFIG.revision, *(config.revision for config in others)}) == 4
    assert ZeroShotRanker(others[0]).description.fused_dim == TEXT_DIM + 25


def test_scores_change_only_with_the_revision() -> None:
    """If this fails for scores alone, `_VERSION` has to be counted up: rankings of both kinds are about to mix."""
    # Made of integers, so that the same on every machine.
    vectors = np.array([[(row * column + column) % 7 - 3 for column in range(1, 41)] for row in range(10)], np.float32)
    text, image = vectors[:, :TEXT_DIM], vectors[:, TEXT_DIM:]
    unit = both(text / np.linalg.norm(text, axis=1)[:, None], image / np.linalg.norm(image, axis=1)[:, None])
    request = RankRequest(fused(unit), history([0, 1, 2]), candidates([4, 5, 6], [0, 4, 2]), 0)
    assert CONFIG.revision == "cce58647bdd1d7a896fa59a82e52baf5"
    np.testing.assert_allclose(RANKER.rank(request), [0.327094, 0.879163, 0.011354], atol=1e-5)
