"""Files to gRPC's credentials. A server takes up what was replaced on disk at the next handshake."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import grpc

from modalmesh.errors import InvalidInput
from modalmesh.tls import Stamp, Tls

logger = logging.getLogger(__name__)

Made = TypeVar("Made")


class Renewals:
    """Sees when the files are replaced by others that can be used.

    Raises:
        InvalidInput: those that are there can't be.
    """

    def __init__(self, tls: Tls) -> None:
        tls.check()
        self._tls = tls
        self._stamp: Stamp = tls.stamp()

    def take(self, make: Callable[[], Made]) -> Made | None:
        """What is made of new files; none where there are none, or where they can't be used, which is logged once."""
        try:
            # Before they are read: what is replaced meanwhile is seen at the next look.
            stamp = self._tls.stamp()
            if stamp == self._stamp:
                return None
            self._stamp = stamp
            self._tls.check()
            made = make()
        except (OSError, InvalidInput) as error:
            logger.warning("certificate files were changed and can't be used, the old ones stay: %s", error)
            return None
        logger.info("certificate files were changed: taken up")
        return made


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
