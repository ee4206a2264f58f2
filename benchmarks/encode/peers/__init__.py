"""The servers that people use today, in an environment of their own, with the same weights."""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from benchmarks.benchmark import Tell
from benchmarks.encode.load import Inputs
from benchmarks.encode.peers.environment import PeerEnvironment, PeerFailed
from benchmarks.encode.results import Kind, Run
from benchmarks.encode.transports import Speaks
from benchmarks.machine import Meter, cpus

__all__ = ["NONE", "Peer", "PeerEnvironment", "PeerFailed", "SentenceTransformers", "prepared"]

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Peer:
    """How to start a server on a port, and how to speak to it. `command` raises PeerFailed where it can't be."""

    name: str
    build: str
    speaks: Speaks
    path: str
    command: Callable[[int], Sequence[str | Path]]
    variables: Mapping[str, str] = field(default_factory=dict)


class Chosen:
    """The peers that were asked for; where their environment can't be made, each says why."""

    def __init__(self, names: Sequence[str], environment: PeerEnvironment | None, problem: str = "") -> None:
        self._names = names
        self._environment = environment
        self.problem = problem

    def of(self, kind: Kind) -> list[Peer]:
        """Those that serve this kind, each in the setting that was measured to be its best on a CPU."""
        if not self._environment:
            return []
        everyone = _texts(self._environment) if kind == "text" else _images(self._environment)
        return [peer for peer in everyone if peer.name in self._names]

    def baseline(self, kind: Kind, stack: ExitStack) -> "SentenceTransformers | None":
        if kind == "text" and self._environment:
            return stack.enter_context(SentenceTransformers(self._environment))
        return None


NONE = Chosen((), None)


def prepared(names: Sequence[str], tell: Tell) -> Chosen:
    """Install what isn't installed yet."""
    try:
        return Chosen(names, PeerEnvironment(tell))
    except PeerFailed as error:
        tell(f"no peers: {error}")
        return Chosen(names, None, str(error))


def _texts(environment: PeerEnvironment) -> list[Peer]:
    python, cores = environment.python, str(cpus())
    # A measurement is nobody else's business, and where no network is it retries for ever.
    dtype = {"bf16": "bfloat16", "fp32": "float32"}[environment.precision]
    one_process = {"OMP_NUM_THREADS": cores, "INFINITY_ANONYMOUS_USAGE_STATS": "0", "DO_NOT_TRACK": "1"}

    def infinity(engine: str, folder: Callable[[], Path], *flags: str) -> Callable[[int], list[str | Path]]:
        def command(port: int) -> list[str | Path]:
            own = ["--engine", engine, "--device", "cpu", "--batch-size", "32", *flags]
            where = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
            names = ["--served-model-name", "default", "--no-model-warmup"]
            # Its optimum engine finds a file only in the folder in which it is started.
            program: list[str | Path] = [
                "env",
                f"--chdir={folder()}",
                python.with_name("infinity_emb"),
                "v2",
                "--model-id",
                ".",
            ]
            return [*program, *own, *where, *names]

        return command

    def worker(file: str) -> Callable[[int], list[str | Path]]:
        return lambda port: [
            python,
            _HERE / file,
            str(port),
            "text",
            environment.text_folder(),
            environment.precision,
            cores,
        ]

    return [
        Peer(
            "infinity-torch",
            f"torch/cpu/{environment.precision}",
            "openai",
            "/embeddings",
            infinity("torch", environment.text_folder, "--dtype", dtype, "--no-bettertransformer", "--no-compile"),
            one_process,
        ),
        Peer(
            "infinity-optimum",
            "onnxruntime/cpu/fp32",
            "openai",
            "/embeddings",
            # By itself it would take the first token's vector.
            infinity("optimum", environment.onnx_folder, "--pooling-method", "mean"),
            one_process,
        ),
        Peer("mosec", f"torch/cpu/{environment.precision}", "bytes", "/inference", worker("mosec_server.py")),
        Peer("litserve", f"torch/cpu/{environment.precision}", "json", "/predict", worker("litserve_server.py")),
    ]


def _images(environment: PeerEnvironment) -> list[Peer]:
    python, cores = environment.python, str(cpus())

    def worker(file: str) -> Callable[[int], list[str | Path]]:
        return lambda port: [
            python,
            _HERE / file,
            str(port),
            "image",
            environment.image_network(),
            environment.precision,
            cores,
        ]

    return [
        Peer("mosec", f"torch/cpu/{environment.precision}", "bytes", "/inference", worker("mosec_server.py")),
        Peer("litserve", f"torch/cpu/{environment.precision}", "json", "/predict", worker("litserve_server.py")),
    ]


class SentenceTransformers:
    """Its encode, in the processor's fastest precision and its best batch size: the floor must be no slower."""

    def __init__(self, environment: PeerEnvironment) -> None:
        """Raises PeerFailed."""
        script, model = _HERE / "sentence_transformers_encode.py", environment.text_folder()
        command: list[str | Path] = [environment.python, script, model, environment.precision, str(cpus())]
        self.build = f"torch/cpu/{environment.precision}"
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ask(["warm"] * 32)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # It ends with its input.
        self._process.communicate()

    def run(self, inputs: Inputs) -> Run:
        pids = {"encode": self._process.pid}
        pids |= {f"child {one.pid}": one.pid for one in psutil.Process(self._process.pid).children(recursive=True)}
        meter = Meter(pids)
        seconds = self._ask(inputs)
        return Run(len(inputs), seconds, meter.read())

    def _ask(self, inputs: Inputs) -> float:
        if not self._process.stdin or not self._process.stdout:
            raise PeerFailed("sentence-transformers has no pipe")
        self._process.stdin.write(json.dumps(list(inputs)) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise PeerFailed("sentence-transformers ended; it says why above")
        return float(answer)
