"""How a candidate's content compares with the history's: texts, pictures, attributes and years."""

import numpy as np
from scipy import sparse

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import YEAR_MS, Flags, Floats, Indexes, SparseRows
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.content import Content
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.context import last, mean

_RECENT, _LAST = 10, 3
_YEAR_WIDTH = 3.0


def content_features(
    content: Content, history: History, kept: Flags, candidates: Indexes, now_ms: int, *, with_order: bool
) -> dict[str, Floats]:
    """Each (V, C), of V variants of one history, which have its events `kept` (V, n). Without order, nothing is said of
    what came last.
    """
    liked, disliked = kept & history.positive, kept & ~history.positive
    recent = last(liked, _RECENT) if with_order else None
    shared = {name: _shared(bag, candidates, history.items) for name, bag in content.bags.items()}
    kinds = content.kinds[candidates] @ content.kinds[history.items].T
    text = content.text[candidates] @ content.text[history.items].T
    image = content.image[candidates] @ content.image[history.items].T
    years = content.years[candidates]
    gaps = years[:, None] - content.years[history.items]
    features = {
        **_closeness("text", text, liked, recent),
        "text_disliked": mean(text, disliked),
        **_closeness("image", image, liked, recent),
        "kinds": mean(kinds, liked),
        "kinds_disliked": mean(kinds, disliked),
        **{f"bag.{name}": _log_sum(own, liked) for name, own in shared.items()},
        **_years(gaps, kept, ""),
        "year": np.broadcast_to(years, (len(kept), len(years))),
    }
    if recent is not None:
        age = np.float32(now_ms / YEAR_MS) - years
        features |= {
            "kinds_recent": mean(kinds, recent),
            "kinds_last": mean(kinds, last(kept, _LAST)),
            **{f"bag_recent.{name}": _log_sum(own, recent) for name, own in shared.items()},
            **_years(gaps, last(kept, 5), "_5"),
            **_years(gaps, last(kept, 20), "_20"),
            "age": np.broadcast_to(age, (len(kept), len(age))),
        }
    return features


def _closeness(name: str, cosines: Floats, liked: Flags, recent: Flags | None) -> dict[str, Floats]:
    """Of cosines (C, n) to the history: the mean and the closest, of all that was liked and of the last."""
    features = {name: mean(cosines, liked), f"{name}_max": _closest(cosines, liked)}
    if recent is not None:
        features |= {f"{name}_recent": mean(cosines, recent), f"{name}_recent_max": _closest(cosines, recent)}
    return features


def _closest(products: Floats, among: Flags) -> Floats:
    """(V, C) of (C, n); 0 where there is none."""
    found = [products[:, own].max(axis=1) if own.any() else np.zeros(len(products), np.float32) for own in among]
    return np.stack(found)


def _shared(bag: SparseRows, candidates: Indexes, others: Indexes) -> Floats:
    """(C, n): the weight of what each candidate shares with each of the others."""
    theirs = bag[others]
    values, theirs.indices = np.unique(theirs.indices, return_inverse=True)
    own = bag[candidates]
    places = np.full(bag.shape[1], -1, own.indices.dtype)
    places[values] = np.arange(len(values))
    own.indices = places[own.indices]
    # What only candidates have is shared with nobody.
    own.data[own.indices < 0] = 0
    own.indices[own.indices < 0] = 0
    shape = (len(candidates), max(len(values), 1))
    table = np.zeros((shape[1], len(others)), np.float32)
    table[theirs.indices, np.repeat(np.arange(len(others)), np.diff(theirs.indptr))] = theirs.data
    return np.asarray(sparse.csr_array((own.data, own.indices, own.indptr), shape=shape) @ table, np.float32)


def _log_sum(weights: Floats, among: Flags) -> Floats:
    return np.asarray(np.log1p(among.astype(np.float32) @ weights.T), np.float32)


def _years(gaps: Floats, among: Flags, name: str) -> dict[str, Floats]:
    """How near in time, and how much later, than those of the history `among` (V, n) on average."""
    near = np.exp(-np.abs(gaps) / _YEAR_WIDTH)
    return {f"year_near{name}": mean(near, among), f"year_gap{name}": mean(gaps, among)}
