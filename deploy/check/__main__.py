"""Run every check, say a line of each, and end with 1 if one found anything or couldn't run.

`--skip-missing` forgives the latter: a machine that runs all of the project's tests may lack Debian's packages.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from deploy.check import images, kubernetes, monitoring
from deploy.check.running import Finding, Missing

CHECKS: tuple[Callable[[], str], ...] = (
    kubernetes.check_builds,
    kubernetes.check_policies,
    monitoring.check_prometheus,
    monitoring.check_queries,
    images.check_dockerfile,
    images.check_compose,
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.check", description=__doc__)
    parser.add_argument("--skip-missing", action="store_true", help="leave out what can't be had here, and say so")
    may_skip = parser.parse_args(arguments).skip_missing
    marks: list[str] = []
    for check in CHECKS:
        began = time.monotonic()
        try:
            mark, said = "ok", check()
        except Missing as missing:
            mark, said = "skip" if may_skip else "FAIL", str(missing)
        except Finding as finding:
            mark, said = "FAIL", str(finding)
        marks.append(mark)
        seconds = time.monotonic() - began
        print(f"{mark:4} {check.__name__.removeprefix('check_')} ({seconds:.0f} s): {said}", flush=True)
    skipped = f", {marks.count('skip')} skipped" if "skip" in marks else ""
    print(f"deploy-check: {marks.count('ok')} of {len(CHECKS)} checks passed{skipped}")
    return 1 if "FAIL" in marks else 0


if __name__ == "__main__":
    sys.exit(main())
