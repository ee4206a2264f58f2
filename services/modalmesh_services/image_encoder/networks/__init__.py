"""Networks by torch, torchvision and transformers. Nothing outside imports it before it must: that takes seconds."""

from modalmesh_services.common.backends import torchvision_shim

# Before any module in here imports torchvision.
torchvision_shim.install()
