"""Run every check, say a line of each, and end with 1 if one found anything."""

import sys
import time
from collections.abc import Callable

from deploy.check import images, kubernetes, monitoring
from deploy.check.running import Finding

CHECKS: tuple[Callable[[], str], ...] = (
    kubernetes.check_builds,
    kubernetes.check_policies,
    monitoring.check_prometheus,
    monitoring.check_queries,
    images.check_dockerfile,
    images.check_compose,
)


def main() -> int:
    failed = 0
    for check in CHECKS:
        began = time.monotonic()
        try:
            mark, said = "ok  ", check()
        except Finding as finding:
            failed += 1
            mark, said = "FAIL", str(finding)
        print(f"{mark} {check.__name__.removeprefix('check_')} ({time.monotonic() - began:.0f} s): {said}", flush=True)
    print(f"deploy-check: {len(CHECKS) - failed} of {len(CHECKS)} checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
