"""The run: for each ranker, its service, its model in process and a raw hop take turns."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.benchmark import Tell
from benchmarks.environment import TUNED, environment
from benchmarks.machine import Meter, machine
from benchmarks.rank import inputs
from benchmarks.rank.client import Client
from benchmarks.rank.forward import Forward
from benchmarks.rank.report import FORWARD, HOP, SERVICE, RankReport, Turns
from benchmarks.rank.servers import echo, ranker
from benchmarks.rounds import interleave
from modalmesh.data_folder import DataFolder
from modalmesh_services.fusion_ranker.bundle.reading import read_bundle
from modalmesh_services.fusion_ranker.models.zero_shot import NAME as ZERO_SHOT

_DIFFERENT = 20
"""Requests of a turn before they come again: they take a MB each where vectors are long."""

_MADE_ITEMS = 10_000


def measure(bundle: Path | None, data: Path | None, rounds: int, calls: int, tell: Tell) -> RankReport:
    """Zero-shot, and the bundle's ranker if there is one."""
    where, chance = machine(), np.random.default_rng(0)
    item_ids = read_bundle(bundle).parts.item_ids if bundle else [f"item-{row}" for row in range(_MADE_ITEMS)]
    folder = DataFolder(data) if data else None
    histories = inputs.recorded(folder, _DIFFERENT) if folder else inputs.drawn(item_ids, _DIFFERENT, chance)
    with environment(TUNED), Client() as client:
        rankers = {
            model: _turns(model, histories, client, rounds, calls, tell)
            for model in [ZERO_SHOT, *([str(bundle.resolve())] if bundle else [])]
        }
    named = {ZERO_SHOT if model == ZERO_SHOT else "trained": turns for model, turns in rankers.items()}
    return RankReport(where, data.resolve().name if data else "drawn at random", named)


def _turns(model: str, histories: inputs.Catalogue, client: Client, rounds: int, calls: int, tell: Tell) -> Turns:
    with Forward(model) as forward:
        made = inputs.requests(histories, forward.description, _DIFFERENT, np.random.default_rng(0))
        different = [each.SerializeToString() for each in made]
        asked = [different[number % len(different)] for number in range(calls)]
        with ranker(model, client, different[0]) as served, echo(served.answer_bytes, client, different[0]) as raw:
            turns = Turns(len(different[0]), served.answer_bytes)
            meter = Meter({"client": client.pid, "forward": forward.pid, **served.pids, **raw.pids})

            def turn(name: str, seconds: Callable[[], Sequence[float]]) -> Callable[[], float]:
                def take() -> float:
                    spent = seconds()
                    turns.add(name, spent)
                    return sum(spent)

                return take

            contenders = {
                SERVICE: turn(SERVICE, lambda: client.seconds(served.address, asked)),
                FORWARD: turn(FORWARD, lambda: forward.seconds(asked)),
                HOP: turn(HOP, lambda: client.seconds(raw.address, asked)),
            }
            interleave(contenders, rounds, tell)
            turns.other_cores = meter.read().other_cores
    return turns
