"""Ends with 0 if the server in this container is SERVING, else with 1. `healthcheck.py PORT SETTINGS_PREFIX`.

Where the server speaks TLS, its certificate must be for localhost, too; to a server that asks callers for a certificate
its own is shown.
"""

import asyncio
import os
import sys

from modalmesh.local.readiness import GrpcHealth
from modalmesh.tls import Tls

_SECONDS = 3.0


def tls_of(prefix: str) -> Tls | None:
    """Towards the server whose settings have this prefix; its own certificate is trusted where it names no CA."""
    certificate, key, authority = (os.environ.get(f"{prefix}TLS_{name}", "") for name in ("CERTIFICATE", "KEY", "CA"))
    if not certificate:
        return None
    return Tls(authority or certificate, certificate, key, server_name="localhost")


if __name__ == "__main__":
    health = GrpcHealth(f"127.0.0.1:{sys.argv[1]}", tls_of(sys.argv[2]))
    sys.exit(0 if asyncio.run(health.ready(_SECONDS)) else 1)
