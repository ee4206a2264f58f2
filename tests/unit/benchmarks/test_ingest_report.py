import io
import json

import pytest
from rich.console import Console

from benchmarks.benchmark import NotComparable
from benchmarks.ingest.results import Model
from tests.unit.benchmarks.builders import mesh_run, report


def test_the_ratio_is_the_floors_median_over_the_meshs() -> None:
    found = report(floor=[10.0, 6.0, 50.0], mesh=[mesh_run(16.0), mesh_run(90.0), mesh_run(20.0)])
    assert found.ratio == 10.0 / 20.0
    assert found.ratio_with_events == 10.0 / 21.0


def test_time_on_a_core_is_told_by_process_and_as_a_ratio() -> None:
    found = report(floor=[10.0], mesh=[mesh_run(20.0)])
    assert found.mesh_cpu_seconds == {"text-encoder": 10.0, "image-encoder": 30.0, "client": 0.0}
    assert found.cpu_ratio == 20.0 / 40.0


def test_the_document_holds_the_ratio_beside_the_raw_figures_of_every_round() -> None:
    document = json.loads(json.dumps(report([10.0, 12.0], [mesh_run(20.0), mesh_run(24.0)]).document()))
    assert document["ratio"] == 0.5
    assert (document["floor_seconds"], document["mesh_seconds"]) == ([10.0, 12.0], [20.0, 24.0])
    assert (document["items"], document["texts"], document["images"]) == (100, 250, 60)
    assert (document["items_per_second"], document["floor_items_per_second"]) == (4.5, 9.1)


def test_a_mesh_that_encoded_less_than_the_floor_is_no_match() -> None:
    with pytest.raises(NotComparable, match="texts: the floor has 250, the mesh 249"):
        report([10.0, 10.0], [mesh_run(20.0), mesh_run(20.0, texts=249)])


def test_a_mesh_with_another_precision_is_no_match() -> None:
    with pytest.raises(NotComparable, match="text model"):
        report([10.0], [mesh_run(20.0, text=Model("t1", "torch/cpu/fp32"))])


@pytest.mark.parametrize(("other_cores", "disturbed"), [(0.05, False), (0.5, True)])
def test_a_report_says_whether_others_used_the_cores(other_cores: float, disturbed: bool) -> None:
    document = report([10.0, 10.0], [mesh_run(20.0)], other_cores).document()
    assert document["disturbed"] is disturbed
    assert document["other_cores"] == {"floor": [other_cores, other_cores], "mesh": [0.0]}


def test_the_tables_show_ratio_and_split() -> None:
    shown = io.StringIO()
    console = Console(width=120, file=shown)
    console.print(report([10.0], [mesh_run(16.0)]).view())
    lines = shown.getvalue().splitlines()
    assert any("mesh" in line and "0.62" in line and "16.0" in line for line in lines)
    assert any("image-encoder" in line and "75.0%" in line for line in lines)
