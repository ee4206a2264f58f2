"""Each service in turn restarts while callers call."""

import sys
import time

from deploy.test.callers import CALLERS, Callers
from deploy.test.compose import Compose
from modalmesh.client import Client

_RESTARTED = ("text-encoder", "image-encoder", "fusion-ranker", "gateway", "redis")
# Callers go on for so long after a restart: what it brings on may come late.
_AFTER_SECONDS = 5.0


def check_restarts(compose: Compose, address: str, namespace: str) -> list[str]:
    """No call fails and no accepted write is lost, by the client's own tries."""
    wrong = []
    with Client(address, namespace) as client:
        known = next(client.list_items()).item_id
    for service in _RESTARTED:
        callers = Callers(address, f"{namespace}-{service}", namespace, known)
        with callers.calling():
            time.sleep(2.0)
            seconds = compose.restart(service)
            time.sleep(_AFTER_SECONDS)
        lost = callers.lost()
        sys.stderr.write(
            f"{service} restarted in {seconds:.1f} s under {CALLERS} callers: {callers.done.total()} calls, "
            f"{len(callers.failed)} failed, {callers.degraded.total()} degraded, longest {callers.longest:.1f} s; "
            f"{len(callers.accepted_items) + len(callers.accepted_events)} writes accepted, {lost} lost\n"
        )
        wrong += [f"while {service} restarted: {failure}" for failure in callers.failed[:5]]
        if lost:
            wrong.append(f"{lost} accepted writes were lost when {service} restarted")
    return wrong
