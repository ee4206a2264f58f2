"""Files to gRPC's credentials. A server takes up what was replaced on disk at the next handshake."""

from pathlib import Path
from typing import cast

import grpc

from modalmesh.renewals import Renewals
from modalmesh.tls import Tls


def channel_credentials(tls: Tls) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(_bytes(tls.ca), _bytes(tls.key), _bytes(tls.certificate))


def server_credentials(tls: Tls) -> grpc.ServerCredentials:
    """Credentials that ask callers for a certificate where there is a CA to check it by.

    Raises:
        InvalidInput: the files can't be used.
    """
    renewals = Renewals(tls)

    def fetch() -> grpc.ServerCertificateConfiguration:
        # gRPC asks before every handshake. None leaves it as it is, which only the stubs don't know.
        return cast("grpc.ServerCertificateConfiguration", renewals.take(lambda: _configuration(tls)))

    return grpc.dynamic_ssl_server_credentials(_configuration(tls), fetch, require_client_authentication=bool(tls.ca))


def _configuration(tls: Tls) -> grpc.ServerCertificateConfiguration:
    pair = (Path(tls.key).read_bytes(), Path(tls.certificate).read_bytes())
    return grpc.ssl_server_certificate_configuration([pair], _bytes(tls.ca))


def _bytes(name: str) -> bytes | None:
    return Path(name).read_bytes() if name else None
