"""Pictures and videos in, vectors out: torchvision's networks and transformers' vision models."""

from modalmesh_services.common import collecting

# Before anything large is imported.
collecting.collect_rarely()
