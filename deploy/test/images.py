"""The images of the mesh and of what it needs, and what is in them."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from deploy.test.docker_host import Docker, install

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("gateway", "text-encoder", "image-encoder", "fusion-ranker")
REGISTRY = "modalmesh-test"
_BASE_OF_OURS = f"{REGISTRY}/base:bookworm"
# Another one has Debian's packages, too: Redis and Prometheus come from there.
BASE = os.environ.get("BASE_IMAGE") or _BASE_OF_OURS
# What the gateway's image may take above its base: 250 MB.
_GATEWAY_BYTES = 250_000_000
_MEGABYTE = 1_000_000
# Run inside each image, by root: no file is hidden. The names are those of what only building needs, or keeps.
_LOOK = """
import glob, importlib.metadata, importlib.util, json, os, shutil
find = lambda name: importlib.util.find_spec(name) is not None
programs = ("gcc", "cc", "g++", "c++", "clang", "as", "ld", "make", "cmake", "nvcc", "protoc")
caches = ("/root/.cache/*", "/var/cache/apt/*.bin", "/var/cache/apt/archives/*.deb", "/var/lib/apt/lists/*_*", "/tmp/*")
print(json.dumps({
    "torch": find("torch"),
    "left over": [name for name in ("pip", "grpc_tools", "hatchling", "cyclonedx_py") if find(name)]
        + [name for name in programs if shutil.which(name)]
        + [path for pattern in caches for path in glob.glob(pattern)]
        + [os.path.join(folder, file) for folder, _, files in os.walk("/opt") for file in files
           if file.partition("-")[0] in programs or file.endswith((".a", ".whl"))],
    "lost": [str(file) for package in importlib.metadata.distributions() for file in package.files or ()
             if ".dist-info/" in str(file) and not file.locate().exists()],
    "components": len(json.load(open("/opt/modalmesh/sbom.json"))["components"]),
}))
"""


def make_base(docker: Docker) -> None:
    """Debian with Python, once: from its packages, so that no registry is needed; or what BASE_IMAGE names.

    Raises:
        Missing: there is no debootstrap and this isn't root.
    """
    if docker.run("images", "--quiet", BASE, quiet=True).strip():
        return
    if BASE != _BASE_OF_OURS:
        docker.run("pull", "--quiet", BASE)
        return
    install("debootstrap", "debootstrap")
    sys.stderr.write("making the base image of Debian's packages\n")
    docker.script(ROOT / "deploy/test/base.sh", BASE)


def build_others(docker: Docker, network: str) -> dict[str, str]:
    """Redis and Prometheus of Debian's packages, as variables of docker-compose.yml."""
    variables = {}
    for name in ("redis", "prometheus"):
        tag = f"{REGISTRY}/{name}:bookworm"
        arguments = ["--build-arg", f"BASE_IMAGE={BASE}", "--target", name, "--tag", tag, "--network", network]
        docker.run("buildx", "build", "--load", "--quiet", *arguments, str(ROOT / "deploy/test"))
        variables[f"{name.upper()}_IMAGE"] = tag
    return variables


def check_images(docker: Docker, version: str) -> list[str]:
    """Print sizes; return what is wrong with the images."""
    base, wrong = size(docker, BASE), []
    sys.stderr.write(f"{'image':>16} {'MB':>6}  MB over its base ({base / _MEGABYTE:.0f} MB)\n")
    for service in (*SERVICES, "mesh-tools"):
        tag = f"{REGISTRY}/{service}:{version}"
        over = size(docker, tag) - base
        sys.stderr.write(f"{service:>16} {(over + base) / _MEGABYTE:6.0f}  {over / _MEGABYTE:.0f}\n")
        found = look(docker, tag)
        if service == "gateway" and over > _GATEWAY_BYTES:
            wrong.append(f"the gateway's image takes {over / _MEGABYTE:.0f} MB above its base")
        if found["torch"] != (service not in ("gateway", "mesh-tools")):
            wrong.append(f"{service}: torch is there: {found['torch']}")
        wrong += [f"{service}: has {name}, which only building needs" for name in found["left over"]]
        # Licences are there.
        wrong += [f"{service}: lacks {name} of a package" for name in found["lost"]]
        if (user := inspect(docker, tag, "{{.Config.User}}")) != "10001:10001":
            wrong.append(f"{service}: runs as {user}")
        if not found["components"]:
            wrong.append(f"{service}: names nothing in its SBOM")
    return wrong


def size(docker: Docker, tag: str) -> int:
    """In bytes."""
    return int(inspect(docker, tag, "{{.Size}}"))


def inspect(docker: Docker, tag: str, what: str) -> str:
    return docker.run("image", "inspect", "--format", what, tag, quiet=True).strip()


def look(docker: Docker, tag: str) -> dict[str, Any]:
    closed = ["--read-only", "--network", "none", "--user", "0"]
    command = ["run", "--rm", *closed, "--entrypoint", "python3", tag, "-c", _LOOK]
    found: dict[str, Any] = json.loads(docker.run(*command, quiet=True))
    return found
