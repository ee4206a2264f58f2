"""What is painted over together, and what each region counts for by that."""

import numpy as np
import pytest

from modalmesh.types import RegionShare
from modalmesh_gateway.explaining.covers import Cover, contributions, covers_of


def grid(rows: int, columns: int, picture: int = 0) -> list[RegionShare]:
    """Row by row."""
    return [
        RegionShare(picture, column / columns, row / rows, (column + 1) / columns, (row + 1) / rows, 0.0, 0.0)
        for row in range(rows)
        for column in range(columns)
    ]


def test_two_rows_and_two_columns_of_three_are_covered_each_with_each_and_the_whole() -> None:
    upper, outer = [(0, 1, 3, 4), (0, 2, 3, 5), (1, 2, 4, 5)], [(0, 1, 6, 7), (0, 2, 6, 8), (1, 2, 7, 8)]
    lower = [(3, 4, 6, 7), (3, 5, 6, 8), (4, 5, 7, 8)]
    *parts, whole = covers_of(grid(3, 3))
    assert parts == [Cover(0, places) for places in [*upper, *outer, *lower]]
    assert whole == Cover(0, tuple(range(9)))


@pytest.mark.parametrize(
    ("rows", "columns", "places"),
    [
        (1, 1, [(0,)]),
        (1, 3, [(0, 1), (0, 2), (1, 2), (0, 1, 2)]),
        (2, 2, [(0,), (1,), (2,), (3,), (0, 1, 2, 3)]),
    ],
)
def test_a_smaller_grid_is_covered_as_far_as_it_goes(rows: int, columns: int, places: list[tuple[int, ...]]) -> None:
    assert [cover.places for cover in covers_of(grid(rows, columns))] == places


def test_each_picture_is_covered_by_itself() -> None:
    covers = covers_of([*grid(1, 2), *grid(1, 2, picture=1)])
    assert covers == [
        Cover(0, (0,)),
        Cover(0, (1,)),
        Cover(0, (0, 1)),
        Cover(1, (2,)),
        Cover(1, (3,)),
        Cover(1, (2, 3)),
    ]


def test_no_regions_need_no_cover() -> None:
    assert covers_of([]) == []
    assert contributions([], np.zeros(0)) == {}


def test_contributions_add_up_to_what_the_whole_pictures_count_for() -> None:
    covers = covers_of([*grid(3, 3), *grid(3, 3, picture=1)])
    fallen = np.random.default_rng(0).normal(size=len(covers))
    found = contributions(covers, fallen)
    assert sorted(found) == list(range(18))
    assert sum(found[place] for place in range(9)) == pytest.approx(fallen[9])
    assert sum(found[place] for place in range(9, 18)) == pytest.approx(fallen[19])


@pytest.mark.parametrize("decisive", range(9))
def test_a_region_without_which_alone_the_score_falls_counts_most_by_far(decisive: int) -> None:
    covers = covers_of(grid(3, 3))
    found = contributions(covers, np.array([float(decisive in cover.places) for cover in covers]))
    assert found[decisive] > 2 * max(found[place] for place in range(9) if place != decisive)


@pytest.mark.parametrize("number", range(9))
def test_regions_that_move_the_score_only_together_come_first(number: int) -> None:
    covers = covers_of(grid(3, 3))
    together = covers[number].places
    found = contributions(covers, np.array([float(set(together) <= set(cover.places)) for cover in covers]))
    assert set(sorted(found, key=found.__getitem__)[-4:]) == set(together)


def test_what_is_known_to_matter_together_comes_before_what_only_seems_to() -> None:
    """Whatever the falls are."""
    covers = covers_of(grid(3, 3))
    for fallen in np.random.default_rng(0).normal(size=(100, len(covers))):
        found = contributions(covers, fallen)
        first = covers[int(fallen[:-1].argmax())].places
        assert min(found[place] for place in first) > max(found[place] for place in range(9) if place not in first)


def test_a_score_that_nothing_moves_has_no_reasons_in_the_picture() -> None:
    covers = covers_of(grid(3, 3))
    assert set(contributions(covers, np.zeros(len(covers))).values()) == {0.0}
