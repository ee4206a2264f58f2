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
        signals=_signal_shares(tuple(signals), np.array(list(signals.values()))),
        history=_history_shares(history_ids, tuple(history), np.stack(list(history.values()))),
    )


def _signal_shares(names: Sequence[str], contributions: Floats) -> tuple[SignalShare, ...]:
    return tuple(map(SignalShare, names, contributions.tolist(), _shares(contributions).tolist()))


def _history_shares(item_ids: Sequence[str], names: Sequence[str], parts: Floats) -> tuple[HistoryShare, ...]:
    """`parts` (S, J): what each liked item added to each signal.

    The most decisive first; ties by item id, so that the same request has the same answer.
    """
    sums = parts.sum(axis=0)
    # As lists, all at once: there may be a hundred thousand.
    totals, shares = sums.tolist(), _shares(sums).tolist()
    by_signal, their_shares = parts.T.tolist(), _shares(parts).T.tolist()
    order = sorted(range(len(item_ids)), key=lambda place: (-abs(totals[place]), item_ids[place]))
    return tuple(
        HistoryShare(
            item_ids[place],
            totals[place],
            shares[place],
            tuple(map(SignalShare, names, by_signal[place], their_shares[place])),
        )
        for place in order
    )


def _shares(contributions: Floats) -> Floats:
    """Each size over the sum of sizes along the first axis; 0 where that is 0."""
    sizes = np.abs(contributions)
    total = sizes.sum(axis=0)
    shares: Floats = np.divide(sizes, total, out=np.zeros_like(sizes), where=total > 0)
    return shares
