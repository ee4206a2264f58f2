"""What rankers learn from and are measured on: a catalogue with its vectors, and users' histories."""

from modalmesh_services.fusion_ranker.dataset.attributes import Attributes
from modalmesh_services.fusion_ranker.dataset.catalogue import Catalogue
from modalmesh_services.fusion_ranker.dataset.history import History, Interactions
from modalmesh_services.fusion_ranker.dataset.tokens import Tokens

__all__ = ["Attributes", "Catalogue", "History", "Interactions", "Tokens"]
