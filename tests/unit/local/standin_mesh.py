"""`python standin_mesh.py HOME CHILDREN`: a supervisor as `python -m modalmesh.local.supervisor`, over stand-ins.

CHILDREN is JSON: a list of `{"name", "port", "flags", "start_rank", "stop_rank"}`.
"""

import json
import sys
from pathlib import Path

from modalmesh.local.child import Timing
from modalmesh.local.children import ChildSpec, MeshSpec
from modalmesh.local.readiness import RedisPing
from modalmesh.local.state import Home
from modalmesh.local.supervisor import Told, end_orphans, run, told_by_line

STANDIN = Path(__file__).with_name("standin.py")
QUICK = Timing(
    look=0.02, look_limit=0.3, check=0.05, check_limit=0.2, missed_checks=3, first_backoff=0.05, grace=1.0, steady=60
)


def standin(
    name: str, port: int, *flags: str, start_rank: int = 0, stop_rank: int = 0, seconds: float = 10
) -> ChildSpec:
    command = (sys.executable, "-S", str(STANDIN), "--port", str(port), *flags)
    return ChildSpec(name, f"127.0.0.1:{port}", command, RedisPing("127.0.0.1", port), start_rank, stop_rank, seconds)


def main(path: str, children: str) -> int:
    home = Home.of(Path(path))
    specs = tuple(
        standin(child.pop("name"), child.pop("port"), *child.pop("flags", []), **child)
        for child in json.loads(children)
    )

    def work(serving: Told) -> None:
        with home.lock():
            end_orphans(home, grace_seconds=0.2)
            run(MeshSpec(specs[-1].address, "redis://standin", specs), home, serving, QUICK)

    return told_by_line(work)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
