"""Ends with 0 if the server in this container is SERVING, else with 1. `healthcheck.py PORT SETTINGS_PREFIX`.

Where the server speaks TLS, its certificate must be for localhost, too; to a server that asks callers for a certificate
its own is shown.
"""

import os
import sys

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from modalmesh.channels import open_channel
from modalmesh.errors import InvalidInput
from modalmesh.tls import Tls

_SECONDS = 3.0
_METHOD = "/grpc.health.v1.Health/Check"


def serves(port: int, tls: Tls | None) -> bool:
    try:
        channel = open_channel(f"127.0.0.1:{port}", tls, [("grpc.enable_http_proxy", 0)])
    except (OSError, InvalidInput):
        return False
    check = channel.unary_unary(
        _METHOD,
        request_serializer=HealthCheckRequest.SerializeToString,
        response_deserializer=HealthCheckResponse.FromString,
    )
    try:
        answer = check(HealthCheckRequest(), timeout=_SECONDS)
    except grpc.RpcError:
        return False
    finally:
        channel.close()
    return bool(answer.status == HealthCheckResponse.ServingStatus.Value("SERVING"))


def tls_of(prefix: str) -> Tls | None:
    """Towards the server whose settings have this prefix; its own certificate is trusted where it names no CA."""
    certificate, key, authority = (os.environ.get(f"{prefix}TLS_{name}", "") for name in ("CERTIFICATE", "KEY", "CA"))
    if not certificate:
        return None
    return Tls(authority or certificate, certificate, key, server_name="localhost")


if __name__ == "__main__":
    sys.exit(0 if serves(int(sys.argv[1]), tls_of(sys.argv[2])) else 1)
