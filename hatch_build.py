"""Generates modalmesh/v1 from protos/: at install, at wheel build, and by `make protos`."""

import importlib.resources
import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent


def generate(root: Path = ROOT) -> None:
    """Write messages, stubs of servers and clients, and their types beside each other into modalmesh/v1.

    Raises:
        RuntimeError: protoc refused the protos; it has said why on stderr.
    """
    from grpc_tools import protoc

    output = root / "modalmesh" / "v1"
    output.mkdir(exist_ok=True)
    (output / "__init__.py").write_text('"""The contract, generated from protos/modalmesh/v1."""\n')
    protos = sorted(str(path.relative_to(root / "protos")) for path in (root / "protos/modalmesh/v1").glob("*.proto"))
    arguments = [
        "protoc",
        f"--proto_path={root / 'protos'}",
        f"--proto_path={importlib.resources.files('grpc_tools') / '_proto'}",
        f"--python_out={root}",
        f"--grpc_python_out={root}",
        f"--mypy_out=quiet:{root}",
        f"--mypy_grpc_out=quiet:{root}",
        *protos,
    ]
    if protoc.main(arguments) != 0:
        raise RuntimeError("protoc refused protos/modalmesh/v1")


class ProtosBuildHook(BuildHookInterface[Any]):
    """Runs `generate` before hatchling collects files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        generate(Path(self.root))


if __name__ == "__main__":
    # protoc looks for mypy-protobuf on the PATH; an environment that isn't activated has it beside its Python.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    generate()
    sys.stdout.write(f"generated {ROOT / 'modalmesh/v1'}\n")
