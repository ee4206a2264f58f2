"""What examples/ shows runs as it stands."""

import subprocess
import sys
from pathlib import Path

import pytest

from modalmesh import convert, types
from modalmesh.v1 import recommender_service_pb2 as v1
from tests.unit.client.scripted_gateway import ScriptedGateway

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_runs(gateway: ScriptedGateway, path: Path) -> None:
    chair = convert.ranked_item_to_proto(types.RankedItem("chair", 0.5, "A chair for the desk"))
    gateway.answers["Recommend"] = v1.RecommendResponse(items=[chair])
    gateway.answers["SearchItems"] = v1.SearchItemsResponse(items=[chair])
    finished = subprocess.run([sys.executable, str(path), gateway.address], capture_output=True, text=True, check=True)
    assert "A chair for the desk" in finished.stdout


def test_the_first_example_fits_into_ten_lines() -> None:
    lines = (EXAMPLES / "quickstart.py").read_text().splitlines()
    code = [line for line in lines if line.strip() and line[0] not in '#"']
    assert len(code) <= 10
