"""The smallest ranking that there is, to see that a model ranks at all before anybody asks it."""

import numpy as np

from modalmesh.embeddings import Embeddings, ModelId
from modalmesh_services.fusion_ranker.models.interface import ModelDescription
from modalmesh_services.fusion_ranker.requests import Candidates, History, RankRequest


def probe(model: ModelDescription) -> RankRequest:
    """Two liked items and two candidates, of which one is new."""
    vectors = np.ones((2, model.fused_dim), dtype=np.float32)
    rows, times = np.arange(2), np.zeros(2, dtype=np.int64)
    history = History(["a", "b"], rows, times, ["", ""], np.full(2, np.nan), np.ones(2, dtype=np.bool_))
    candidates = Candidates(["a", "c"], rows, np.full(2, np.nan), times)
    return RankRequest(Embeddings(vectors, ModelId(model.name, model.revision)), history, candidates, 0)
