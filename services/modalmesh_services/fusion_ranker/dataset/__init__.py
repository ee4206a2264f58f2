"""What rankers learn from and are measured on: a catalogue with its vectors, and users' histories."""

from modalmesh_services.fusion_ranker.dataset.attributes import Attributes
from modalmesh_services.fusion_ranker.dataset.catalogue import Catalogue
from modalmesh_services.fusion_ranker.dataset.history import (
    History,
    Interactions,
    liked_anew,
    liked_matrix,
    split_point,
)
from modalmesh_services.fusion_ranker.dataset.tokens import Tokens

__all__ = ["Attributes", "Catalogue", "History", "Interactions", "Tokens", "liked_anew", "liked_matrix", "split_point"]
