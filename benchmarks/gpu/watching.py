"""A GPU as its driver's own program, nvidia-smi, sees it: what it is, how busy, and how much of its memory is used."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from statistics import mean
from types import TracebackType
from typing import Self

from benchmarks.benchmark import NotHere
from modalmesh_services.common.backends.device import find_device

_PROGRAM = "nvidia-smi"
_EVERY_MS = 200
# The name by which nvidia-smi knows the device that torch counts, which CUDA_VISIBLE_DEVICES may have turned around.
_UUID = "import sys, torch; print(torch.cuda.get_device_properties(int(sys.argv[1])).uuid)"


@dataclass(frozen=True, slots=True)
class Gpu:
    """`uuid` is the driver's name of it; `memory_mib` is all of its memory."""

    name: str
    driver: str
    memory_mib: int
    uuid: str


@dataclass(frozen=True, slots=True)
class Watched:
    """`busy_share` is the mean share of time in which a kernel ran, 0 to 1; `memory_mib` the most memory in use."""

    busy_share: float
    memory_mib: int


def find_gpu(device: str) -> Gpu | None:
    """None of a CPU.

    Raises:
        NotHere: there is no such GPU, or no nvidia-smi.
    """
    try:
        found = find_device(device)
    except ValueError as error:
        raise NotHere(f"{error} that torch {version('torch')} can use; nothing was measured") from error
    if found.type == "cpu":
        return None
    if shutil.which(_PROGRAM) is None:
        raise NotHere(f"{_PROGRAM}, which comes with NVIDIA's driver, isn't there: nothing was measured")
    # In a process of its own, which gives back what it takes of the GPU.
    uuid = "GPU-" + _output([sys.executable, "-c", _UUID, str(found.index)]).strip()
    name, driver, memory = _output([_PROGRAM, *_query(uuid, "name,driver_version,memory.total")]).strip().split(", ")
    return Gpu(name, driver, int(memory), uuid)


class Watch:
    """From its making to `stop`."""

    def __init__(self, gpu: Gpu) -> None:
        query = [*_query(gpu.uuid, "utilization.gpu,memory.used"), f"--loop-ms={_EVERY_MS}"]
        self._process = subprocess.Popen([_PROGRAM, *query], stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def stop(self) -> Watched:
        """What was seen so far."""
        self._process.terminate()
        said, _ = self._process.communicate()
        # The last line may be half of one.
        rows = [line.split(", ") for line in said.splitlines(keepends=True) if line.endswith("\n")]
        return Watched(mean(int(busy) for busy, _ in rows) / 100, max(int(used) for _, used in rows))


def memory_in_use(gpu: Gpu) -> int:
    """In MiB, by all processes."""
    return int(_output([_PROGRAM, *_query(gpu.uuid, "memory.used")]))


def _query(uuid: str, fields: str) -> Sequence[str]:
    return [f"--id={uuid}", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
