"""What images leave out of installed packages, tried on a folder that looks like some."""

import subprocess
from pathlib import Path

from deploy.check.running import ROOT

GOES = (
    "numpy/tests/test_core.py",
    "torch/include/torch/torch.h",
    "torch/test/runner.py",
    "torch/lib/libasmjit.a",
    "torch/bin/protoc",
    "openvino/libs/libopenvino_onnx_frontend.so.2640",
    "openvino/libs/libopenvino_intel_gpu_plugin.so",
)
STAYS = (
    "numpy/core.py",
    "numpy-2.4.6.dist-info/licenses/numpy/_core/include/numpy/LICENSE.txt",
    "pillow-12.0.dist-info/licenses/tests/LICENSE",
    "torch/bin/torch_shm_manager",
    "torch/lib/libtorch_cpu.so",
    "openvino/libs/libopenvino_ir_frontend.so.2640",
    "openvino/libs/libopenvino_pytorch_frontend.so.2640",
    "openvino/libs/libopenvino_intel_cpu_plugin.so",
)


def test_what_no_server_runs_goes_and_what_it_runs_and_all_licences_stay(tmp_path: Path) -> None:
    for name in (*GOES, *STAYS):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    subprocess.run(["sh", ROOT / "deploy/images/prune.sh", tmp_path], check=True)
    left = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    assert left == set(STAYS)
