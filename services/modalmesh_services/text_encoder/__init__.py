"""Texts in, vectors out: any BERT-family model that transformers reads."""

from modalmesh_services.common import collecting

# Before anything large is imported.
collecting.collect_rarely()
