"""What a history says of its user as a whole: the same for all candidates, so that the network can weigh by it."""

import numpy as np

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import DAY_MS, YEAR_MS, Flags, Floats
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.eras import era

_SESSION_MS = 12 * 3_600_000
_RECENT, _RECENT_YEARS = 10, 20


def context(
    history: History, kept: Flags, rating_counts: Floats, years: Floats, now_ms: int, *, with_order: bool
) -> dict[str, Floats]:
    """Each (V,), of V variants of one history, which have its events `kept` (V, n). Of the items: `rating_counts` (N,),
    by others, and `years` (N,), when they came out.
    """
    own_years, liked = years[history.items], history.positive.astype(np.float32)
    popularity = np.log1p(rating_counts[history.items])
    rated = ~np.isnan(history.ratings)
    found = {
        "u_size": np.log1p(kept.sum(axis=1, dtype=np.float32)),
        "u_liked": mean(liked, kept),
        "u_rating": mean(np.where(rated, history.ratings, 0), kept & rated),
        "u_pop": mean(popularity, kept),
    }
    if not with_order:
        return found | {"u_era": np.array([era(years, history.items[own]) for own in kept], np.float32)}
    recent, late = last(kept, _RECENT), last(kept, _RECENT_YEARS)
    # In float64, which holds milliseconds exactly.
    times = np.where(kept, history.times_ms, np.nan) if len(history) else np.zeros((len(kept), 1))
    newest = np.nanmax(times, axis=1, initial=-np.inf)
    oldest = np.nanmin(times, axis=1, initial=np.inf)
    any_kept = kept.any(axis=1)
    spans = np.where(any_kept, newest - oldest, 0)
    sessions = kept & (history.times_ms > newest[:, None] - _SESSION_MS)
    year_means = mean(own_years, late)
    deviations = np.where(late, own_years - year_means[:, None], 0)
    return found | {
        "u_pop10": mean(popularity, recent),
        "u_now": np.full(len(kept), now_ms / YEAR_MS, np.float32),
        "u_session": np.log1p(sessions.sum(axis=1, dtype=np.float32)),
        "u_span": np.log1p(spans / DAY_MS).astype(np.float32),
        "u_years": np.sqrt((deviations**2).sum(axis=1) / np.maximum(late.sum(axis=1), 1)).astype(np.float32),
        "u_liked10": mean(liked, recent),
    }


def mean(values: Floats, among: Flags) -> Floats:
    """(V, ...) of values (..., n) over those `among` (V, n); 0 where there is none."""
    counts = np.maximum(among.sum(axis=1), 1).astype(np.float32)
    sums = among.astype(np.float32) @ values.T
    return np.asarray(sums / counts.reshape(-1, *[1] * (sums.ndim - 1)), np.float32)


def last(among: Flags, count: int) -> Flags:
    """(V, n): the last `count` of those that are true."""
    return among & (np.cumsum(among[:, ::-1], axis=1)[:, ::-1] <= count)
