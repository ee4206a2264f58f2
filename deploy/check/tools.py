"""Where the tools are: on the PATH, or of Debian's packages, unpacked under .tools without root."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.check.debian import unpack
from deploy.check.running import ROOT, Finding, Missing, output_of

DEBIAN = ROOT / ".tools" / "debian"


@dataclass(frozen=True, slots=True)
class Tool:
    """`commands` are tried in turn with `version`; one older than `least` can't do what is asked of it."""

    commands: tuple[tuple[str, ...], ...]
    version: tuple[str, ...]
    least: tuple[int, int]
    package: str
    unpacked: str


# Kustomize's components came with kubectl 1.21.
KUBECTL = Tool((("kubectl",),), ("version", "--client"), (1, 21), "kubectl", "usr/bin/kubectl")
PROMTOOL = Tool((("promtool",),), ("--version",), (2, 40), "promtool", "usr/bin/promtool")
COMPOSE = Tool(
    (("docker", "compose"), ("docker-compose",)),
    ("version",),
    (2, 20),
    "docker-compose",
    "usr/libexec/docker/cli-plugins/docker-compose",
)


def find(tool: Tool) -> list[str]:
    """The command.

    Raises:
        Missing: there is none, and none can be had; says what to install.
    """
    for command in (*tool.commands, (str(DEBIAN / tool.unpacked),)):
        if _is_new_enough(tool, command):
            return list(command)
    try:
        unpack(tool.package, DEBIAN)
    except Finding as error:
        raise Missing(f"{_wanted(tool)}; Debian's can't be unpacked: {error}") from error
    command = (str(DEBIAN / tool.unpacked),)
    if not _is_new_enough(tool, command):
        raise Missing(f"{command[0]} doesn't run here: {_wanted(tool)}")
    return list(command)


def of_environment(name: str) -> str:
    """A command of the environment that this runs in: requirements.txt names what is there."""
    return str(Path(sys.executable).parent / name)


def _wanted(tool: Tool) -> str:
    names = " or ".join(f"`{' '.join(command)}`" for command in tool.commands)
    return f"install {names}, version {'.'.join(map(str, tool.least))} or newer"


def _is_new_enough(tool: Tool, command: tuple[str, ...]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    try:
        said = output_of([*command, *tool.version])
    except (Finding, subprocess.SubprocessError, OSError):
        return False
    found = re.search(r"(\d+)\.(\d+)", said)
    return found is not None and (int(found[1]), int(found[2])) >= tool.least
