import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import torch

from modalmesh_services.common.backends import fingerprint
from modalmesh_services.common.backends.device import Backend, Device, Placement, Precision, places


def test_a_build_names_backend_release_device_and_precision() -> None:
    torch_build = Placement("torch", Device("cuda", 1), "fp16", 1).build
    assert torch_build == f"torch-{torch.__version__.split('+')[0]}/cuda/fp16"
    assert Placement("openvino", Device("cpu"), "bf16", 2).build == f"openvino-{metadata.version('openvino')}/cpu/bf16"


def test_a_cpu_gets_openvino_and_torch_behind_it() -> None:
    tried = [(place.backend, place.precision) for place in places("cpu")]
    assert [backend for backend, _ in tried] == sorted(backend for backend, _ in tried)
    assert (tried[0][0], tried[-1]) == ("openvino", ("torch", "fp32"))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_precision_may_be_asked_for(precision: Precision) -> None:
    assert {place.precision for place in places("cpu", precision)} == {precision}


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_a_backend_may_be_asked_for(backend: Backend) -> None:
    assert {place.backend for place in places("cpu", backend=backend)} == {backend}


def test_each_thread_gets_a_core_of_its_own() -> None:
    assert places("cpu", threads=3)[0].threads == 3


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="--device cuda:99"):
        places("cuda:99")


def test_files_are_fingerprinted_by_name_and_content(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_text("1")
    second.write_text("2")
    whole = fingerprint.of_files([first, second], {"max": 1})
    assert whole == fingerprint.of_files([second, first], {"max": 1})
    assert whole != fingerprint.of_files([first], {"max": 1})
    second.write_text("3")
    assert whole != fingerprint.of_files([first, second], {"max": 1})


def test_settings_are_part_of_a_fingerprint(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("1")
    assert fingerprint.of_files([file], {"max": 1}) != fingerprint.of_files([file], {"max": 2})


def test_tensors_are_fingerprinted_by_name_shape_and_content() -> None:
    tensor = torch.arange(6.0)
    whole = fingerprint.of_tensors({"a": tensor}, {})
    assert whole == fingerprint.of_tensors({"a": tensor.clone()}, {})
    assert whole != fingerprint.of_tensors({"b": tensor}, {})
    assert whole != fingerprint.of_tensors({"a": tensor.reshape(2, 3)}, {})
    assert whole != fingerprint.of_tensors({"a": tensor + 1}, {})


def test_any_dtype_has_a_fingerprint() -> None:
    halves = torch.ones(3, dtype=torch.bfloat16)
    assert fingerprint.of_tensors({"a": halves}, {}) != fingerprint.of_tensors({"a": halves.half()}, {})
    assert fingerprint.of_tensors({"count": torch.tensor(5)}, {})


def test_torchvision_and_its_networks_can_be_imported_behind_the_shim() -> None:
    code = (
        "from modalmesh_services.common.backends import torchvision_shim as shim; shim.install(); shim.install();"
        "import torchvision.models, transformers; transformers.BertModel"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)
