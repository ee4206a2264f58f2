"""modalmesh: multimodal recommendation as a mesh of gRPC services."""

from importlib.metadata import version

__version__ = version("modalmesh")
