"""Why a warm item got its log odds: what they lose without each kind of feature, or item of the history."""

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes
from modalmesh_services.fusion_ranker.systems.modalmesh.allotting import Numbers, Reasons, allotted
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.learning import FittedWarm
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.states import States

COLLABORATIVE, POPULARITY = "collaborative", "popularity"
SIGNALS = (COLLABORATIVE, POPULARITY, "text", "image", "attributes", "time")
"""Kinds of features. The user's own, the same for all items, are no signal: they only weigh the others."""

_STARTS = {
    POPULARITY: ("pop", "quality", "place_gap"),
    "text": ("text",),
    "image": ("image",),
    "attributes": ("kinds", "bag"),
    "time": ("year", "age"),
    "user": ("u_",),
}


def reasons(fitted: FittedWarm, state: States, columns: Indexes) -> Reasons:
    """Of the items `columns` (E,) for one state."""
    pairs = fitted.features.pairs(state)
    logits = fitted.of_pairs(state, pairs)[0, columns].astype(np.float64)
    if fitted.blend is None or not state.sizes[0]:
        return _by_one(COLLABORATIVE if state.sizes[0] else POPULARITY, state, logits)
    kept = np.concatenate(
        [np.ones((1, len(state.histories[0])), np.bool_), ~np.eye(len(state.histories[0]), dtype=np.bool_)]
    )
    inputs = fitted.blend.scale(
        fitted.features.again(_variants(state, kept, columns), kept, pairs.frame)
    )  # (1 + J, E, F)
    groups = _groups(pairs.names)
    whole, *without, nothing = fitted.blend.raw(_masked(inputs[0], groups)).astype(np.float64)
    signals = allotted(whole, np.stack(without), nothing)
    # An item behind the candidates is where the leading model puts it, which the network knows nothing of.
    signals[0] += logits - whole
    history = whole - fitted.blend.raw(inputs[1:]).astype(np.float64)
    return Reasons(nothing, dict(zip(SIGNALS, signals, strict=True)), history)


def _variants(state: States, kept: Flags, columns: Indexes) -> States:
    """Of the state's history, the events `kept` (V, n) in each."""
    histories = tuple(state.histories[0][row] for row in kept)
    count = len(histories)
    return States(state.crowd, histories, state.rows.repeat(count), state.times_ms.repeat(count), columns)


def _groups(names: tuple[str, ...]) -> list[Flags]:
    """By signal, (F,) bool: its features."""
    kinds = np.array([_kind(name) for name in names])
    return [kinds == signal for signal in SIGNALS]


def _kind(name: str) -> str:
    return next((kind for kind, starts in _STARTS.items() if name.startswith(starts)), COLLABORATIVE)


def _masked(inputs: Floats, groups: list[Flags]) -> Floats:
    """(G + 2, E, F): whole, without each group, and without all of them: at their means, which are 0."""
    away = np.stack([np.zeros_like(groups[0]), *groups, np.any(groups, axis=0)])
    return np.where(away[:, None, :], np.float32(0), inputs)


def _by_one(signal: str, state: States, logits: Numbers) -> Reasons:
    """Where a single model ranks."""
    nothing = np.zeros_like(logits)
    signals = {name: logits if name == signal else nothing for name in SIGNALS}
    return Reasons(nothing, signals, np.zeros((len(state.histories[0]), len(logits))))
