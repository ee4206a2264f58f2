"""The shape of every modalmesh server: health, reflection, limits, errors, deadline, a graceful stop."""

import asyncio
import logging
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing

import grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_reflection.v1alpha import reflection

from modalmesh.credentials import server_credentials
from modalmesh.errors import ModalmeshError
from modalmesh_services.common.collecting import leave_alone_what_is_there
from modalmesh_services.common.configuration.settings import ServerSettings
from modalmesh_services.common.interceptors import CallInterceptor
from modalmesh_services.common.observability.call_metrics import CallMetrics
from modalmesh_services.common.observability.grpc_log import ignore_callers_that_left
from modalmesh_services.common.observability.logs import configure, log_ended_thread, log_without_repr
from modalmesh_services.common.observability.metrics_server import MetricsServer
from modalmesh_services.common.observability.observing import CallObserver, list_methods
from modalmesh_services.common.observability.telemetry import CallCollector, process_registry
from modalmesh_services.common.observability.trace_export import TraceExport

logger = logging.getLogger(__name__)

SERVING = HealthCheckResponse.ServingStatus.Value("SERVING")
NOT_SERVING = HealthCheckResponse.ServingStatus.Value("NOT_SERVING")

# gRPC's largest number.
_NEVER_MS = 2**31 - 1


class MeshServer:
    """A grpc.aio server that starts NOT_SERVING, until its core says that it is warm.

    `service_names` are full protobuf names, such as `modalmesh.v1.TextEncoder`; add the servicers to `grpc`, and what
    else is to be measured than the process itself to `metrics`.
    """

    def __init__(self, settings: ServerSettings, service_names: Sequence[str]) -> None:
        self._settings = settings
        self._names = tuple(service_names)
        self._health = health.aio.HealthServicer()
        self.port = 0
        self._stopping = False
        self.metrics = process_registry()
        self._metrics_server: MetricsServer | None = None
        self.calls = CallMetrics()
        list_methods(self._names, self.calls)
        self.metrics.register(CallCollector(self.calls))
        self._interceptor = CallInterceptor(CallObserver(self.calls))
        self.grpc = grpc.aio.server(
            interceptors=[self._interceptor],
            options=[
                ("grpc.max_receive_message_length", settings.max_message_bytes),
                ("grpc.max_send_message_length", settings.max_message_bytes),
                # A port that is taken must say so instead of being shared.
                ("grpc.so_reuseport", 0),
                # The gateway asks every 10 s whether its services are there, also while it has no calls for them.
                ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
                ("grpc.keepalive_permit_without_calls", 1),
                # Calls under way are finished on the old connection; gRPC varies the age by a tenth.
                ("grpc.max_connection_age_ms", _milliseconds_or_never(settings.connection_seconds)),
            ],
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.grpc)
        reflection.enable_server_reflection([*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME], self.grpc)

    @property
    def address(self) -> str:
        return f"{self._settings.host}:{self.port}"

    async def start(self) -> None:
        """Listen, NOT_SERVING.

        Raises:
            OSError: the port is taken or the address isn't ours; names it.
        """
        wanted = f"{self._settings.host}:{self._settings.port}"
        try:
            self.port = self._listen(wanted)
        except RuntimeError as error:
            raise OSError(f"can't listen on {wanted}: the port is taken or the address isn't this machine's") from error
        if self._settings.metrics_port:
            place = (self._settings.host, self._settings.metrics_port)
            self._metrics_server = MetricsServer(*place, self.metrics, self._settings.shown_metrics_tls)
        await self.set_serving(False)
        await self.grpc.start()

    def _listen(self, wanted: str) -> int:
        if tls := self._settings.tls:
            return self.grpc.add_secure_port(wanted, server_credentials(tls))
        return self.grpc.add_insecure_port(wanted)

    async def set_serving(self, serving: bool) -> None:
        """Tell those who ask for this server's health; a server that stops isn't SERVING any more."""
        serving = serving and not self._stopping
        for name in ("", *self._names):
            await self._health.set(name, SERVING if serving else NOT_SERVING)

    async def stop(self) -> None:
        """Say NOT_SERVING, take no more calls, finish those under way within the grace.

        None runs any more when this returns, so that what they use can be closed.
        """
        self._stopping = True
        await self.set_serving(False)
        await self.grpc.stop(self._settings.grace_seconds)
        await self._interceptor.end_calls()
        if self._metrics_server:
            await asyncio.to_thread(self._metrics_server.close)


def _milliseconds_or_never(seconds: float) -> int:
    return int(seconds * 1000) or _NEVER_MS


async def run(
    server: MeshServer, start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]], name: str
) -> None:
    """Serve until SIGTERM or SIGINT: listen, `start` the core, turn SERVING; then drain and `stop` the core.

    A signal ends a start that is under way, too: a model may take minutes to warm.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await server.start()
    try:
        if await _done_before(stopping, start()):
            leave_alone_what_is_there()
            await server.set_serving(True)
            logger.info("%s is serving on %s", name, server.address)
            await stopping.wait()
    finally:
        await server.stop()
        await stop()
        logger.info("%s has stopped", name)


async def _done_before(stopping: asyncio.Event, work: Awaitable[None]) -> bool:
    """Whether `work` ended first; it is cancelled when told to stop before."""
    working = asyncio.ensure_future(work)
    told = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({working, told}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        told.cancel()
    if not working.done():
        working.cancel()
        await asyncio.wait({working})
        return False
    await working
    return True


def _new_loop() -> asyncio.AbstractEventLoop:
    """A loop that takes a seventh less of a core for a call; Windows has only its own."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


def main(serving: Callable[[], Awaitable[None]], settings: ServerSettings, name: str) -> int:
    """Log to stderr, run to the end, and turn what can't be started into one clear record and an exit code: 2 for
    traces that are asked for wrongly, else 1.
    """
    configure(settings.log_level, settings.log_format)
    threading.excepthook = log_ended_thread
    ignore_callers_that_left()
    for warning in settings.warnings:
        logger.warning("%s", warning)

    async def run_all() -> None:
        asyncio.get_running_loop().set_exception_handler(log_without_repr)
        await serving()

    try:
        traces = TraceExport(name)
    except ValueError as error:
        logger.error("%s can't run: %s", name, error)
        return 2
    try:
        with closing(traces), asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(run_all())
    except (OSError, ValueError, ModalmeshError) as error:
        logger.error("%s can't run: %s", name, error)
        return 1
    except Exception:
        # A defect: Python itself would show it in no form that the log has, and with all that the error quotes.
        logger.critical("%s ended by a fault of its own", name, exc_info=True)
        return 1
    return 0
