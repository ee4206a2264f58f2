"""Pictures and videos in, vectors out: torchvision's networks and transformers' vision models."""

from modalmesh_services.common import torchvision_shim

# Before any module of this room imports torchvision.
torchvision_shim.install()
