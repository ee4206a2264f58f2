import importlib
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.common.backends.choosing import Backends
from modalmesh_services.common.backends.device import Backend, places
from modalmesh_services.common.backends.step import Step

from .toys import Counted, Hungry, OfOneSize, Toy, Unusual, network

INPUTS = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
MODEL = {"kind": "toy"}
_LOWEST = 19


def probe(step: Step) -> FloatMatrix:
    return step([INPUTS], False)[0]


def backends(folder: Path, backend: Backend = "auto") -> Backends:
    return Backends(places("cpu", threads=2, backend=backend), str(folder))


@pytest.fixture
def converted(tmp_path: Path) -> Step:
    return backends(tmp_path, "openvino").choose(network(), probe)[0]


def test_a_kept_model_gives_the_same_vectors_and_says_what_it_was_told(tmp_path: Path) -> None:
    step, placement, graph = backends(tmp_path).choose(network(), probe)
    backends(tmp_path).keep(MODEL, placement, graph, {"dim": 6})
    kept = backends(tmp_path).kept(MODEL)
    assert kept is not None
    assert (kept.placement, kept.about["dim"]) == (placement, 6)
    assert np.allclose(probe(kept.step), probe(step), atol=1e-3)


def test_a_model_converted_for_other_placements_is_not_used(tmp_path: Path) -> None:
    exact = Backends(places("cpu", "fp32"), str(tmp_path))
    _, placement, graph = exact.choose(network(), probe)
    exact.keep(MODEL, placement, graph, {})
    assert exact.kept(MODEL) is not None
    for other in (places("cpu", "bf16"), places("cpu", "fp32", backend="torch")):
        assert Backends(other, str(tmp_path)).kept(MODEL) is None


def test_what_an_earlier_conversion_made_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, placement, graph = backends(tmp_path).choose(network(), probe)
    backends(tmp_path).keep(MODEL, placement, graph, {})
    monkeypatch.setattr("modalmesh_services.common.backends.choosing._CONVERSION", 10**6)
    assert backends(tmp_path).kept(MODEL) is None


def test_a_kept_model_that_openvino_cannot_read_is_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def write(self, folder: Path) -> None:
            (folder / "0.xml").write_text("no graph")

    mine = backends(tmp_path)
    mine.keep(MODEL, places("cpu")[0], Broken(), {})  # type: ignore[arg-type] # writes something else than a graph
    with caplog.at_level(logging.WARNING):
        assert mine.kept(MODEL) is None
    assert "can't be used" in caplog.text


def test_what_openvino_cannot_convert_torch_runs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        _, placement, graph = backends(tmp_path).choose(network(Unusual), probe)
    assert (placement.backend, graph) == ("torch", None)
    assert "can't run this model" in caplog.text


def start(folder: Path, body: type[Toy]) -> str:
    """Start a model as an encoder does: the backend that runs it."""
    mine = backends(folder)
    assert mine.kept(MODEL) is None
    _, placement, graph = mine.choose(network(body), probe)
    mine.keep(MODEL, placement, graph, {})
    return placement.backend


def test_what_openvino_could_not_convert_is_not_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    start(tmp_path, Unusual)
    caplog.clear()
    assert start(tmp_path, Unusual) == "torch"
    (said,) = [record.message for record in caplog.records if record.name.endswith("choosing")]
    assert "isn't tried again" in said
    assert "bessel" in said
    assert not [record for record in caplog.records if record.name.endswith("precision")]


def test_a_failure_for_want_of_memory_is_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    start(tmp_path, Hungry)
    caplog.clear()
    assert start(tmp_path, Hungry) == "torch"
    assert "isn't tried again" not in caplog.text
    assert "Exception: no memory left" in caplog.text


def test_what_failed_for_some_placements_is_tried_for_others(tmp_path: Path) -> None:
    start(tmp_path, Unusual)
    asked = backends(tmp_path, "openvino")
    assert asked.kept(MODEL) is None
    with pytest.raises(ValueError, match="bessel"):
        asked.choose(network(Unusual), probe)


def test_openvino_asked_for_by_name_is_an_error_where_it_cannot_convert(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"openvino-.* can't run this model: .*bessel"):
        backends(tmp_path, "openvino").choose(network(Unusual), probe)


def test_batches_of_any_size_run(converted: Step) -> None:
    whole, parts = converted([INPUTS], True)
    alone = [converted([INPUTS[row : row + 1]], False)[0] for row in range(5)]
    assert np.allclose(whole, np.concatenate(alone), atol=1e-2)
    assert parts is not None
    assert parts.shape == (5, 1, 6)


def test_threads_do_not_get_into_each_others_way(converted: Step) -> None:
    batches = [INPUTS * factor for factor in range(1, 50)]
    expected = [converted([batch], False)[0] for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda batch: converted([batch], False)[0], batches))
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


def test_a_conversion_leaves_the_root_logger_alone(tmp_path: Path) -> None:
    root = logging.getLogger()
    before = root.level, list(root.filters), list(root.handlers)
    backends(tmp_path, "openvino").choose(network(), probe)
    assert (root.level, root.filters, root.handlers) == before


def test_openvino_cannot_report_to_its_maker(converted: Step) -> None:
    with pytest.raises(ImportError):
        importlib.import_module("openvino_telemetry")


def test_threads_that_compute_give_way_to_those_that_answer(converted: Step) -> None:
    probe(converted)
    threads = [int(entry.name) for entry in Path("/proc/self/task").iterdir()]
    own = os.getpriority(os.PRIO_PROCESS, 0)
    if own == _LOWEST:
        pytest.skip("these tests have the lowest priority themselves")
    assert own < max(os.getpriority(os.PRIO_PROCESS, thread) for thread in threads)


def test_torch_runs_a_graph_that_the_interpreter_has_no_part_in(tmp_path: Path) -> None:
    step, _, _ = backends(tmp_path, "torch").choose(network(Counted), probe)
    runs = Counted.runs
    probe(step)
    assert Counted.runs == runs


def test_torch_runs_what_a_graph_would_get_wrong_operation_by_operation(tmp_path: Path) -> None:
    step, _, _ = backends(tmp_path, "torch").choose(network(OfOneSize), probe)
    vectors = probe(step)
    assert np.allclose(np.linalg.norm(vectors, axis=1), len(vectors), rtol=0.05)
