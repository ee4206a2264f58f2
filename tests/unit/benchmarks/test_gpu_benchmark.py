"""What the GPU benchmark says where there is a GPU, and where there is none."""

import io
import json
import time
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.benchmark import NotHere
from benchmarks.command import run
from benchmarks.gpu import watching
from benchmarks.gpu.calling import Load
from benchmarks.gpu.report import Figures, GpuReport, Sharing
from benchmarks.gpu.watching import Gpu, Watch, Watched, find_gpu, memory_in_use
from tests.unit.benchmarks.builders import MACHINE

GPU = Gpu("NVIDIA Some", "580.1", 81559, "GPU-1234")
# Says what is asked of it; a loop goes on until it is ended.
PROGRAM = """#!/bin/sh
case "$*" in
  *--id=GPU-1234*name,driver_version,memory.total*) echo "NVIDIA Some, 580.1, 81559" ;;
  *--id=GPU-1234*utilization.gpu,memory.used*--loop-ms*)
    echo "20, 1000"; echo "60, 3000"; printf "9"; exec sleep 60 ;;
  *--id=GPU-1234*memory.used*) echo 512 ;;
  *) exit 6 ;;
esac
"""


def load(calls: int, seconds: float) -> Load:
    return Load(2.0, [seconds] * calls, refused=1)


@pytest.fixture
def with_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("modalmesh_services.common.backends.device._cuda_devices", lambda: 1)
    monkeypatch.setattr(watching, "_UUID", "print('1234')")


@pytest.mark.parametrize("as_json", [True, False])
def test_without_a_gpu_it_says_so_and_ends_with_3(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gpu", "--device", "cuda:99", *(["--json"] if as_json else [])]) == 3
    out = capsys.readouterr()
    said = json.loads(out.out)["error"]["message"] if as_json else out.err
    assert "--device cuda:99: this machine has" in said
    assert "nothing was measured" in said


@pytest.mark.usefixtures("with_gpu")
def test_a_gpu_is_what_its_driver_says() -> None:
    assert find_gpu("cuda:0") == GPU
    assert memory_in_use(GPU) == 512
    assert find_gpu("cpu") is None


@pytest.mark.usefixtures("with_gpu")
def test_a_gpu_that_nothing_watches_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotHere, match="nvidia-smi"):
        find_gpu("cuda:0")


@pytest.mark.usefixtures("with_gpu")
def test_a_watch_has_the_mean_of_how_busy_it_was_and_the_most_memory_and_leaves_half_a_line_out() -> None:
    with Watch(GPU) as watch:
        time.sleep(0.5)
        assert watch.stop() == Watched(busy_share=0.4, memory_mib=3000)


def report() -> GpuReport:
    alone = [
        Figures("text-encoder", "torch-2/cuda/bf16", 8, load(100, 0.01), 900, Watched(0.5, 1400)),
        Figures("fusion-ranker", "torch-2/cuda/fp32", 2, load(50, 0.02), 700, Watched(0.25, 1200)),
    ]
    together = [
        Figures("text-encoder", "torch-2/cuda/bf16", 8, load(80, 0.02), 900, None),
        Figures("fusion-ranker", "torch-2/cuda/fp32", 2, load(25, 0.04), 700, None),
    ]
    return GpuReport(MACHINE, GPU, "cuda:0", "zero-shot", alone, Sharing(together, Watched(0.7, 2600)))


def test_the_document_has_each_alone_and_all_at_once() -> None:
    document = json.loads(json.dumps(report().document()))
    assert document["gpu"]["name"] == "NVIDIA Some"
    text = document["alone"]["text-encoder"]
    assert (text["calls_per_second"], text["p50_ms"], text["refused"]) == (50.0, 10.0, 1)
    assert (text["busy_share"], text["memory_mib"]) == (0.5, 900)
    assert document["sharing"]["fusion-ranker"]["of_alone"] == 0.5
    assert (document["sharing"]["busy_share"], document["sharing"]["gpu_memory_mib"]) == (0.7, 2600)


def test_the_table_names_the_gpu() -> None:
    out = io.StringIO()
    Console(file=out, width=120).print(report().view())
    assert "NVIDIA Some" in out.getvalue()
    assert "fusion-ranker of all" in out.getvalue()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_it_measures_real_services(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--device", "cpu", "--seconds", "2", "--callers", "4", "--rank-callers", "2", "--json"]
    assert run(["gpu", *options]) == 0
    document = json.loads(capsys.readouterr().out)
    for figures in (*document["alone"].values(), document["sharing"]["fusion-ranker"]):
        assert figures["calls_per_second"] > 0
        assert "/cpu/" in figures["build"]
