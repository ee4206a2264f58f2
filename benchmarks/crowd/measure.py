"""The run: the models of a drawn crowd score all items, with their dense products, without them, and on the device."""

import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from benchmarks.benchmark import NotHere, Tell
from benchmarks.crowd.report import CrowdReport, Scored
from benchmarks.machine import machine
from modalmesh_services.common.backends.device import find_device, torch_device
from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import Floats
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import NOBODY, Crowd
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.dense import Dense
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.ease import Ease
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.models import Models
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.states import States

_HISTORY, _CONTENT = 50, 300
_SHORTEST, _LONGEST = 20, 200
_START_MS, _END_MS = 1_500_000_000_000, 1_600_000_000_000
_POPULARITY_POWER = -0.8


class Nothing(Dense):
    """Products that cost nothing."""

    def after(self, rows: Floats) -> Floats:
        return np.zeros((len(rows), self.values.shape[1]), np.float32)

    def before(self, columns: Floats) -> Floats:
        return np.zeros((self.values.shape[0], columns.shape[1]), np.float32)


def measure(users: Sequence[int], items: int, calls: int, device: str, tell: Tell) -> CrowdReport:
    """Raises:
    NotHere: there is no such device.
    """
    try:
        where = find_device(device)
    except ValueError as error:
        raise NotHere(f"{error}; nothing was measured") from error
    scored = []
    for count in users:
        tell(f"{count} users")
        crowd = drawn(count, items)
        content = np.random.default_rng(1).normal(size=(items, _CONTENT)).astype(np.float32) / np.sqrt(_CONTENT)
        models = Models.of(crowd, content.astype(np.float32), np.zeros(items, np.float32), with_order=True)
        on_device = None if where.type == "cpu" else models.on(torch_device(where))
        scored.append(
            Scored(
                count,
                _least(models, calls, time.process_time),
                _least(without_products(models), calls, time.process_time),
                None if on_device is None else _least(on_device, calls, time.perf_counter),
            )
        )
    return CrowdReport(machine(), items, device, scored)


def drawn(users: int, items: int) -> Crowd:
    """Each met some of the items, popular ones rather."""
    chance = np.random.default_rng(0)
    popularity = np.arange(1, items + 1) ** _POPULARITY_POWER
    histories = []
    for user in range(users):
        count = int(chance.integers(min(_SHORTEST, items // 2), min(_LONGEST, items)))
        met = chance.choice(items, count, replace=False, p=popularity / popularity.sum()).astype(np.int32)
        times = np.sort(chance.integers(_START_MS, _END_MS, count))
        ratings = chance.integers(1, 6, count).astype(np.float32)
        histories.append(History(f"u{user}", met, times, ratings, ratings > 3))
    return Crowd.of(histories, items)


def without_products(models: Models) -> Models:
    changes: dict[str, Any] = {
        field.name: replace(own, content=Nothing(own.content.values), inverse=Nothing(own.inverse.values))
        for field in fields(models)
        if isinstance(own := getattr(models, field.name), Ease)
    }
    return replace(models, **changes)


def _least(models: Models, calls: int, clock: Callable[[], float]) -> float:
    """Seconds of a call for a stranger whose history is a part of somebody's."""
    crowd = models.crowd
    events = slice(int(crowd.starts[0]), int(min(crowd.starts[0] + _HISTORY, crowd.starts[1])))
    known = (crowd.items[events], crowd.times_ms[events], crowd.ratings[events], crowd.positive[events])
    history = History("stranger", *known)
    spent = []
    for _ in range(calls + 1):
        started = clock()
        models.scores(States.of(crowd, [history], np.array([_END_MS], np.int64), np.array([NOBODY], np.int32)))
        spent.append(clock() - started)
    # The first makes what the crowd keeps for all that follow.
    return min(spent[1:])
