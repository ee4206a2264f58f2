"""Whether the servers of a mesh would take the settings in the environment, asked before any of them is started."""

import logging
import os
import subprocess
import sys

from modalmesh.local.failures import MeshFailed, WrongSettings

logger = logging.getLogger(__name__)

_SETTINGS = (
    "modalmesh-text-encoder=modalmesh_services.text_encoder.settings:TextEncoderSettings",
    "modalmesh-image-encoder=modalmesh_services.image_encoder.settings:ImageEncoderSettings",
    "modalmesh-fusion-ranker=modalmesh_services.fusion_ranker.settings:FusionRankerSettings",
    "modalmesh-gateway=modalmesh_gateway.settings:GatewaySettings",
)
_REDIS_URL = "MODALMESH_REDIS_URL"
_SECONDS = 60.0
_WRONG = 2


def check_settings(redis_url: str | None) -> None:
    """`redis_url` replaces what the environment says; an empty one there or here is none, and nothing to check.

    What the environment says to no effect is logged as a warning.

    Raises:
        WrongSettings: a server would refuse them; has all that is wrong.
        MeshFailed: it can't be told.
    """
    # One process for all of them: importing what settings need takes longer than reading them.
    command = (sys.executable, "-P", "-m", "modalmesh_services.common.configuration.checking", *_SETTINGS)
    given = dict(os.environ)
    if redis_url is not None:
        given |= {_REDIS_URL: redis_url, f"{_REDIS_URL}_FILE": ""}
    if not given.get(_REDIS_URL):
        given.pop(_REDIS_URL, None)
    try:
        checked = subprocess.run(  # noqa: S603 - our own command
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=given,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MeshFailed(f"the settings were not checked within {_SECONDS:.0f} s") from error
    lines = checked.stderr.splitlines()
    if checked.returncode == _WRONG:
        raise WrongSettings(lines)
    if checked.returncode:
        raise MeshFailed(f"the settings can't be checked: {' '.join(lines[-1:])}")
    for line in lines:
        logger.warning("%s", line)
