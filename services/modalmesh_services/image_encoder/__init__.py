"""Pictures and videos in, vectors out: torchvision's networks and transformers' vision models."""

from modalmesh_services.common import collecting, torchvision_shim

# Before anything large is imported.
collecting.collect_rarely()
# Before any module of this room imports torchvision.
torchvision_shim.install()
