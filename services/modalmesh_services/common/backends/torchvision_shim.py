"""Makes torchvision importable where its compiled operators don't load, such as on some CPU builds of torch.

transformers imports torchvision where it is installed, so both encoders call `install` before they import either.
"""

import importlib
import importlib.util

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def install() -> None:
    """Declare the operators that torchvision's import expects. They are never called: encoders detect no boxes."""
    if importlib.util.find_spec("torchvision") is None:
        return
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for name in ("nms", "qnms"):
            torch.library.define(f"torchvision::{name}", _SCHEMA)
        importlib.import_module("torchvision")
