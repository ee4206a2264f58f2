import io
import json

import pytest
from rich.console import Console

from benchmarks.encode.report import EncodeReport, keys
from benchmarks.encode.results import Contender, Measured, percentile
from tests.unit.benchmarks.builders import MACHINE
from tests.unit.benchmarks.encode_builders import measured, side

PEERS = (
    side("slow", [20.0] * 3, p99=0.2),
    side("fast", [60.0, 20.0, 90.0], p99=0.4, cpu_ms=40.0),
    Contender("broken", problem="it says no"),
)


def _report(found: Measured) -> EncodeReport:
    return EncodeReport(MACHINE, 3, {"text": {"source": "some"}}, [found])


def test_sides_are_compared_within_a_round() -> None:
    found = keys(measured())
    assert found["ratio"] == pytest.approx(0.9)
    assert found["batch_ratio"] == pytest.approx(0.95)
    assert found["lone_ratio"] == 6 / 4


def test_the_floor_is_the_faster_backend() -> None:
    found = measured()
    found.floors[1] = side("torch floor", [360.0] * 3)
    assert keys(found)["ratio"] == 0.5


def test_the_best_peer_is_the_one_with_the_most_answers() -> None:
    found = keys(measured(PEERS))
    assert found["best_peer_ratio"] == pytest.approx(3.0)
    assert found["same_backend_peer_ratio"] == pytest.approx(2.0)
    assert found["best_peer_p99_ratio"] == pytest.approx(0.1 / 0.4)


def test_without_peers_their_ratios_are_missing() -> None:
    found = keys(measured())
    assert (found["best_peer_ratio"], found["same_backend_peer_ratio"], found["best_peer_p99_ratio"]) == (None,) * 3


def test_time_on_a_core_leaves_the_client_out() -> None:
    found = keys(measured(PEERS))
    # 10 ms of the service, 9 and 1 of the floor, 40 of the best peer.
    assert found["cpu_ratio"] == pytest.approx(0.9)
    assert found["best_peer_cpu_ratio"] == pytest.approx(4.0)


def test_overload_is_told_by_the_medians_of_those_that_refused() -> None:
    found = keys(measured())
    assert found["goodput_2x"] == pytest.approx(0.9)
    assert found["refusal_p99_ms"] == 5.0


def test_the_document_has_every_round_and_why_a_peer_has_none() -> None:
    text = json.loads(json.dumps(_report(measured(PEERS)).document()))["text"]
    sides = {one["name"]: one for one in text["sides"]}
    assert sides["service"]["per_second"] == [180.0, 60.0, 270.0]
    assert sides["broken"]["problem"] == "it says no"
    assert text["inputs"] == {"source": "some"}


@pytest.mark.parametrize(("other_cores", "disturbed"), [(0.0, False), (0.5, True)])
def test_a_report_says_whether_others_used_the_cores(other_cores: float, disturbed: bool) -> None:
    document = _report(measured(service=side("service", [180.0], other_cores=other_cores))).document()
    assert (document["disturbed"], document["text"]["disturbed"]) == (disturbed, disturbed)


def test_the_tables_show_ratios_and_sides() -> None:
    shown = io.StringIO()
    Console(width=120, file=shown).print(_report(measured(PEERS)).view())
    lines = shown.getvalue().splitlines()
    assert any("best_peer_ratio" in line and "3.00" in line for line in lines)
    assert any("broken" in line and "it says no" in line for line in lines)


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 50), (0.99, 99), (1.0, 100)])
def test_a_percentile_is_a_value_that_was_measured(share: float, value: float) -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], share) == value
