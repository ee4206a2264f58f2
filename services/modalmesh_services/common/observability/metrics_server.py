"""Metrics over HTTP, or HTTPS with the certificate that the server has for its calls. Knows no grpc."""

import logging
import socket
import ssl
import threading
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from modalmesh.renewals import Renewals
from modalmesh.tls import Tls

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__name__)

# Who doesn't ask within it, or is slower at a handshake, is hung up on.
_SECONDS = 10.0


class MetricsServer:
    """On a port of its own, in threads of its own."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry, tls: Tls | None = None) -> None:
        """Listen; over TLS callers must show a certificate where `tls` has a CA.

        Raises:
            OSError: the port is taken or the address isn't ours; names the setting.
            InvalidInput: the files of `tls` can't be used.
        """
        try:
            self._server = _Server(host, port, _Secured(tls) if tls else None)
        except OSError as error:
            raise OSError(f"--metrics-port: can't listen on {host}:{port}: {error.strerror}") from error
        self._server.set_app(_logging(make_wsgi_app(registry)))
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _logging(app: "WSGIApplication") -> "WSGIApplication":
    """The same; a defect is a record, while wsgiref would print a traceback of its own."""

    def answer(environment: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        try:
            return app(environment, start_response)
        except Exception:
            logger.exception("metrics can't be shown")
            start_response("500 Internal Server Error", [])
            return [b""]

    return answer


class _Secured:
    """What a new connection speaks TLS with: by the files as they are then."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        self._renewals = Renewals(tls)
        self._context = self._load()

    def wrap(self, connection: socket.socket) -> socket.socket:
        self._context = self._renewals.take(self._load) or self._context
        # No handshake yet: that is for the connection's own thread, or one caller could hold up all others.
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._tls.certificate, self._tls.key)
        if self._tls.ca:
            context.load_verify_locations(self._tls.ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


class _Handler(WSGIRequestHandler):
    timeout = _SECONDS

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base's name
        """A scrape every few seconds is no news."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, host: str, port: int, secured: _Secured | None) -> None:
        ((self.address_family, *_, address), *_) = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        self._secured = secured
        super().__init__(cast("tuple[str, int]", address[:2]), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        return (self._secured.wrap(connection) if self._secured else connection), address

    def finish_request(self, request: Any, client_address: Any) -> None:
        if isinstance(request, ssl.SSLSocket):
            request.settimeout(_SECONDS)
            request.do_handshake()
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Of a caller that left, has no certificate or speaks no TLS; the base would print a traceback of its own."""
        logger.debug("a request for metrics failed", exc_info=True)
