"""From what each signal and each liked item added to a score, to an Explanation with shares."""

from collections.abc import Mapping, Sequence

import numpy as np

from modalmesh.types import Explanation, HistoryShare, SignalShare
from modalmesh_services.fusion_ranker.requests import Floats


def sigmoid(logits: Floats) -> Floats:
    """In float64, without overflow on either side."""
    decay = np.exp(-np.abs(logits))
    probabilities: Floats = np.where(logits >= 0, 1.0, decay) / (1.0 + decay)
    return probabilities


def explanation(
    item_id: str,
    bias: float,
    signals: Mapping[str, float],
    history_ids: Sequence[str],
    history: Mapping[str, Floats],
) -> Explanation:
    """`signals` are contributions to the logit; `history` has, for the signals that come from the history, what each
    of its items (J,) contributed. Shares are of absolute contributions; they are all 0 where nothing contributed.
    """
    logit = bias + sum(signals.values())
    return Explanation(
        item_id=item_id,
        probability=float(sigmoid(np.array(logit))),
        bias=bias,
        signals=_signal_shares(signals),
        history=_history_shares(history_ids, history),
    )


def _signal_shares(contributions: Mapping[str, float]) -> tuple[SignalShare, ...]:
    total = sum(abs(value) for value in contributions.values())
    return tuple(SignalShare(name, value, _share(value, total)) for name, value in contributions.items())


def _history_shares(item_ids: Sequence[str], history: Mapping[str, Floats]) -> tuple[HistoryShare, ...]:
    """The most decisive first; ties by item id, so that the same request has the same answer."""
    totals = np.sum(list(history.values()), axis=0)
    everything = float(np.abs(totals).sum())
    order = sorted(range(len(item_ids)), key=lambda place: (-abs(totals[place]), item_ids[place]))
    return tuple(
        HistoryShare(
            item_ids[place],
            float(totals[place]),
            _share(float(totals[place]), everything),
            _signal_shares({name: float(values[place]) for name, values in history.items()}),
        )
        for place in order
    )


def _share(value: float, total: float) -> float:
    return abs(value) / total if total else 0.0
