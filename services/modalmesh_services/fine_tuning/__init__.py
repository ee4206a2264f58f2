"""Encoders trained further on what users liked, written as weights that the encoder services load."""

from modalmesh_services.common.backends import torchvision_shim

# Before any module in here imports torchvision.
torchvision_shim.install()
