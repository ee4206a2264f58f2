"""What a history says of its user as a whole: the same for all candidates, so that the network can weigh by it."""

import numpy as np

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import DAY_MS, YEAR_MS, Floats
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.eras import era

_SESSION_MS = 12 * 3_600_000
_RECENT, _RECENT_YEARS = 10, 20


def context(
    history: History, rating_counts: Floats, years: Floats, now_ms: int, *, with_order: bool
) -> dict[str, float]:
    """Of the items: `rating_counts` (N,), by others, and `years` (N,), when they came out."""
    popularity = np.log1p(rating_counts[history.items])
    found = {
        "u_size": float(np.log1p(len(history))),
        "u_liked": _mean(history.positive),
        "u_rating": _mean(history.ratings[~np.isnan(history.ratings)]),
        "u_pop": _mean(popularity),
    }
    if not with_order:
        return found | {"u_era": era(years, history.items)}
    last_years = years[history.items[-_RECENT_YEARS:]]
    session = history.times_ms > history.last_time_ms - _SESSION_MS
    span = history.last_time_ms - int(history.times_ms[0]) if len(history) else 0
    return found | {
        "u_pop10": _mean(popularity[-_RECENT:]),
        "u_now": now_ms / YEAR_MS,
        "u_session": float(np.log1p(session.sum())),
        "u_span": float(np.log1p(span / DAY_MS)),
        "u_years": float(last_years.std()) if len(last_years) else 0.0,
        "u_liked10": _mean(history.positive[-_RECENT:]),
    }


def _mean(values: np.typing.NDArray[np.generic]) -> float:
    return float(values.mean()) if len(values) else 0.0
