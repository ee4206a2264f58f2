"""`modalmesh evaluate --bundle B --interactions FILE`, as a user runs it, on users whom the bundle was not made of."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modalmesh_services.fusion_ranker.job.choosing import choose
from modalmesh_services.fusion_ranker.job.data import Source, prepare
from modalmesh_services.fusion_ranker.job.lines import Lines
from modalmesh_services.fusion_ranker.training.training import train
from tests.unit.client.scripted_gateway import ScriptedGateway
from tests.unit.fusion_ranker.job.served import serve
from tests.unit.fusion_ranker.systems.multimodal.made import TINY
from tests.unit.fusion_ranker.worlds import dataset, embeddings, write_folder

# A process of its own, and a real training: some seconds each.
pytestmark = pytest.mark.slow


@pytest.fixture
def gateway() -> Iterator[ScriptedGateway]:
    running = ScriptedGateway()
    serve(running, embeddings())
    yield running
    running.stop()


def write_new_users(file: Path) -> Path:
    """20 users who like what those of the folder like, and of whom it has none."""
    made = dataset(users=20, seed=9)
    rows = [
        f"new-{history.user_id},i{item},{time_ms // 1000},{rating:g}"
        for history in made.interactions.histories
        for item, time_ms, rating in zip(history.items, history.times_ms, history.ratings, strict=True)
    ]
    file.write_text("\n".join(["user_id,item_id,timestamp,rating", *rows]) + "\n")
    return file


@pytest.mark.parametrize(
    ("system", "settings"),
    [("modalmesh", {"epochs": 4, "networks": 1}), ("MultiModalAttention", {**TINY, "epochs": 4})],
)
def test_a_bundle_scores_users_whom_it_never_met_beside_ease_and_popularity(
    tmp_path: Path, gateway: ScriptedGateway, system: str, settings: dict[str, object]
) -> None:
    folder, bundle, lines = write_folder(tmp_path / "data"), tmp_path / "bundle", Lines(io.StringIO())
    prepared = prepare(Source(folder, tmp_path / "home", address=gateway.address), lines)
    train(prepared, choose(system, settings), bundle, lines)

    asked = ("--bundle", str(bundle), "--interactions", str(write_new_users(tmp_path / "new.csv")))
    places = ("--address", gateway.address, "--report", str(tmp_path / "page.html"))
    done = subprocess.run(
        (sys.executable, "-m", "modalmesh", "evaluate", str(folder), *asked, *places, "--json"),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env={**os.environ, "MODALMESH_HOME": str(tmp_path / "home")},
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    users = document["protocols"]["users"]
    assert (list(document["protocols"]), set(users)) == (["users"], {system, "ease", "popularity"})
    for figures in users.values():
        assert figures["low"]["ndcg@10"] <= figures["ndcg@10"] <= figures["high"]["ndcg@10"]
    # Two camps, of which the most popular items are a mixture.
    assert users[system]["recall@20"] > 1.2 * users["popularity"]["recall@20"]
    assert document["consequences"] == []
    assert (tmp_path / "page.html").is_file()
