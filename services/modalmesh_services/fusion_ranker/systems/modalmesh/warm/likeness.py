"""How a candidate's content compares with the history's: texts, pictures, attributes and years."""

from collections.abc import Callable

import numpy as np

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import YEAR_MS, Floats, Indexes, SparseRows
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.content import Content

_RECENT, _LAST = 10, 3
_YEAR_WIDTH = 3.0


def content_features(
    content: Content, history: History, candidates: Indexes, now_ms: int, *, with_order: bool
) -> dict[str, Floats]:
    """Each (C,), of one state. Without order, nothing is said of what came last."""
    liked, disliked = history.liked, history.items[~history.positive]
    recent = liked[-_RECENT:] if with_order else None
    own = {name: bag[candidates] for name, bag in content.bags.items()}
    features = {
        **_vectors("text", content.text, candidates, liked, recent),
        "text_disliked": _mean(content.text, candidates, disliked),
        **_vectors("image", content.image, candidates, liked, recent),
        "kinds": _mean(content.kinds, candidates, liked),
        "kinds_disliked": _mean(content.kinds, candidates, disliked),
        **{f"bag.{name}": _shared(own[name], bag, liked) for name, bag in content.bags.items()},
        **_years(content.years, candidates, history.items, ""),
        "year": content.years[candidates],
    }
    if with_order:
        features |= {
            "kinds_recent": _mean(content.kinds, candidates, liked[-_RECENT:]),
            "kinds_last": _mean(content.kinds, candidates, history.items[-_LAST:]),
            **{f"bag_recent.{name}": _shared(own[name], bag, liked[-_RECENT:]) for name, bag in content.bags.items()},
            **_years(content.years, candidates, history.items[-5:], "_5"),
            **_years(content.years, candidates, history.items[-20:], "_20"),
            "age": np.float32(now_ms / YEAR_MS) - content.years[candidates],
        }
    return features


def _vectors(name: str, rows: Floats, candidates: Indexes, liked: Indexes, recent: Indexes | None) -> dict[str, Floats]:
    """Cosines to what was liked: the mean and the closest, of all and of the last."""
    cosines = rows[candidates] @ rows[liked].T
    features = {name: _over(cosines, np.mean), f"{name}_max": _over(cosines, np.max)}
    if recent is not None:
        last = cosines[:, len(liked) - len(recent) :]
        features |= {f"{name}_recent": _over(last, np.mean), f"{name}_recent_max": _over(last, np.max)}
    return features


def _over(cosines: Floats, summary: Callable[..., Floats]) -> Floats:
    return summary(cosines, axis=1) if cosines.shape[1] else np.zeros(len(cosines), np.float32)


def _mean(rows: Floats, candidates: Indexes, others: Indexes) -> Floats:
    profile = rows[others].sum(axis=0) / np.float32(max(len(others), 1))
    return np.asarray(rows[candidates] @ profile, np.float32)


def _shared(own: SparseRows, bag: SparseRows, others: Indexes) -> Floats:
    """(C,) of the candidates' rows `own` (C, v): the log weight of what each shares with all others."""
    profile = bag.T @ np.bincount(others, minlength=bag.shape[0]).astype(np.float32)
    return np.asarray(np.log1p(own @ profile), np.float32)


def _years(years: Floats, candidates: Indexes, others: Indexes, name: str) -> dict[str, Floats]:
    own = years[candidates]
    if not len(others):
        return {f"year_near{name}": np.zeros_like(own), f"year_gap{name}": np.zeros_like(own)}
    gaps = own[:, None] - years[others]
    near = np.exp(-np.abs(gaps) / _YEAR_WIDTH).mean(axis=1)
    return {f"year_near{name}": near, f"year_gap{name}": gaps.mean(axis=1)}
