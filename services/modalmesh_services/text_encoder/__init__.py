"""Texts in, vectors out: any BERT-family model that transformers reads."""

from modalmesh_services.common import collecting, torchvision_shim

# Before anything large is imported.
collecting.collect_rarely()
# Before transformers loads a model, for which it imports torchvision where that is installed.
torchvision_shim.install()
