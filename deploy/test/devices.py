"""deploy/compose/gpu.yml as compose itself reads it. No container is started with it: that needs the GPUs."""

import dataclasses
import json
import sys
from typing import Any

from deploy.test.compose import Compose
from deploy.test.images import SERVICES

_MODELS = SERVICES[1:]


def check_devices(compose: Compose) -> list[str]:
    """Each model has one device of its own, or the one that its variable names, and its limits beside it."""
    files = (*compose.files, "deploy/compose/gpu.yml")
    both = dataclasses.replace(compose, files=files)
    one = {f"{name.upper().replace('-', '_')}_GPU": "7" for name in _MODELS}
    own, shared = reserved(both), reserved(dataclasses.replace(both, variables={**compose.variables, **one}))
    sys.stderr.write(f"with gpu.yml the devices are {own}\n")
    wanted = {name: [str(number)] for number, name in enumerate(_MODELS)}
    return [
        f"gpu.yml gives {found}"
        for found, right in ((own, wanted), (shared, {name: ["7"] for name in _MODELS}))
        if found != right
    ]


def reserved(compose: Compose) -> dict[str, list[str]]:
    """Of each service that has a GPU: the device ids."""
    services: dict[str, Any] = json.loads(compose.run("config", "--format", "json"))["services"]
    resources = {name: service.get("deploy", {}).get("resources", {}) for name, service in services.items()}
    return {
        name: [each for device in found["reservations"]["devices"] for each in device["device_ids"]]
        for name, found in resources.items()
        if "reservations" in found and found["limits"]["memory"]
    }
