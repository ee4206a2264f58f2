"""Every server shows the settings in effect without a model, a Redis, or a free port."""

import json
import subprocess
import sys

import pytest

# Runs a server as `python -m` does, and says which heavy libraries it has come to import.
RUN = """
import runpy, sys
try:
    runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
except SystemExit as end:
    assert end.code == 0, end.code
sys.stderr.write(" ".join(name for name in ("torch", "openvino", "transformers") if name in sys.modules))
"""


@pytest.mark.parametrize(
    "module",
    [
        "modalmesh_gateway",
        "modalmesh_services.text_encoder",
        "modalmesh_services.image_encoder",
        "modalmesh_services.fusion_ranker",
    ],
)
def test_a_server_shows_its_settings_and_imports_no_model(module: str) -> None:
    command = (sys.executable, "-c", RUN, module, "--print-config", "--port", "7")
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    document = json.loads(shown.stdout)
    assert document["server"] == f"modalmesh-{module.rpartition('.')[2].removeprefix('modalmesh_').replace('_', '-')}"
    assert document["settings"]["port"]["value"] == 7
    assert shown.stderr == ""
