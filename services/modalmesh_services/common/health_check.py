"""`python -m modalmesh_services.common.health_check HOST:PORT`: exit code 0 where a server says that it is SERVING.

For probes that can't ask a server themselves: the kubelet's own gRPC probe speaks no TLS, and Docker has none.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from modalmesh.errors import InvalidInput
from modalmesh.local.readiness import GrpcHealth
from modalmesh.tls import ENVIRONMENT, tls_or_none

_FIELDS = tuple(ENVIRONMENT)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 is SERVING, 1 is not, 2 is wrong use."""
    parser = argparse.ArgumentParser(
        prog="python -m modalmesh_services.common.health_check",
        description="Whether a server is SERVING: exit code 0 if it is, 1 if not, 2 if asked wrongly.",
        epilog="example: python -m modalmesh_services.common.health_check 127.0.0.1:50051",
    )
    parser.add_argument("address", metavar="HOST:PORT", help="where the server listens")
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds until it must have answered")
    parser.add_argument("--tls-ca", default="", help="speak TLS; PEM file of the CA that signed its certificate")
    parser.add_argument("--tls-certificate", default="", help="PEM file of one's own certificate")
    parser.add_argument("--tls-key", default="", help="PEM file of that certificate's key")
    parser.add_argument("--tls-server-name", default="", help="the name in its certificate, if not the address's")
    options = parser.parse_args(arguments)
    tls = tls_or_none({field: getattr(options, f"tls_{field}") for field in _FIELDS})
    try:
        if tls:
            tls.check()
    except InvalidInput as error:
        parser.error(f"--tls-{error.field}: {error.detail}")
    return 0 if asyncio.run(GrpcHealth(options.address, tls).ready(options.timeout)) else 1


if __name__ == "__main__":
    sys.exit(main())
