import pytest

from modalmesh_gateway.explaining.regions import regions_of
from modalmesh_gateway.ports import Place


def grid(rows: int, columns: int) -> list[Place]:
    """Cells row by row, of the picture's middle half."""
    return [
        Place(
            left=0.25 + 0.5 * column / columns,
            right=0.25 + 0.5 * (column + 1) / columns,
            top=row / rows,
            bottom=(row + 1) / rows,
        )
        for row in range(rows)
        for column in range(columns)
    ]


def test_a_small_grid_is_taken_cell_by_cell() -> None:
    cells = grid(2, 3)
    regions = regions_of(cells)
    assert [region.rows for region in regions] == [(0,), (1,), (2,), (3,), (4,), (5,)]
    assert [(region.left, region.top) for region in regions] == [(cell.left, cell.top) for cell in cells]


@pytest.mark.parametrize(("rows", "columns", "most", "least"), [(7, 7, 9, 4), (14, 14, 25, 16), (1, 16, 6, 5)])
def test_a_fine_grid_becomes_nine_regions_of_about_equal_size(rows: int, columns: int, most: int, least: int) -> None:
    regions = regions_of(grid(rows, columns))
    sizes = [len(region.rows) for region in regions]
    assert len(regions) == min(3, rows) * 3
    assert (max(sizes), min(sizes)) == (most, least)
    assert sorted(row for region in regions for row in region.rows) == list(range(rows * columns))
    assert sum((region.right - region.left) * (region.bottom - region.top) for region in regions) == pytest.approx(0.5)


def test_no_cells_are_no_regions() -> None:
    assert regions_of([]) == []
