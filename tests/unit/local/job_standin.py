"""A job that does as its first argument says; the second is a file that it leaves a note in when it has cleaned up."""

import json
import os
import signal
import sys
import time
from pathlib import Path


def put(**line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main(deed: str, note: str) -> int:
    put(note="begun")
    if deed == "fail":
        put(error={"reason": "NO_EVENTS", "field": "interactions.csv", "message": "holds no events"})
        return 1
    if deed == "break":
        put(error={"reason": "MESH_FAILED", "field": "", "message": "no mesh"})
        return 1
    if deed == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if deed == "wait":
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(Path(note).write_text("cleaned up") and 1))
        put(progress=["waiting", 1, 2])
        time.sleep(60)
    sys.stderr.write("a warning\n")
    put(step={"stage": "warm", "done": 1, "total": 2, "loss": 0.5, "validation": None, "validated_by": "ndcg@10"})
    put(result={"arguments": sys.argv[1:]})
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
