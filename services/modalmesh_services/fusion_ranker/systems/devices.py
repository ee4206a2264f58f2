"""On which device a training runs."""

import os
import re

from modalmesh.errors import InvalidInput
from modalmesh_services.common.backends.device import NAMES, Device, find_device

_FIELD = "device"
_NO_DEVICE = "NO_DEVICE"


def training_device(name: str) -> Device:
    """`name` as a service's --device has it. Of several processes, as torchrun starts them, each has the GPU of its
    own place on its machine.

    Raises:
        InvalidInput: there is no such device here, or it is one for several processes.
    """
    if os.environ.get("WORLD_SIZE", "1") == "1":
        return _found(name)
    if name.startswith("cuda:"):
        message = f"{name} is one GPU for several processes: say cuda, and each takes one of its own"
        raise InvalidInput(_FIELD, message, reason=_NO_DEVICE)
    device = _found(name)
    return device if device.type == "cpu" else _found(f"cuda:{os.environ.get('LOCAL_RANK', '0')}")


def _found(name: str) -> Device:
    if not re.match(NAMES, name):
        raise InvalidInput(_FIELD, f"is {name!r}, not auto, cpu or cuda:N", reason=_NO_DEVICE)
    try:
        return find_device(name)
    except ValueError as error:
        raise InvalidInput("", str(error), reason=_NO_DEVICE) from error
