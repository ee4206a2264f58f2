"""`python -m benchmarks.observability.server SIDE PORT`: the ranker's server, which sees of its calls what SIDE says.

What traces are sent to is OTEL_EXPORTER_OTLP_ENDPOINT's.
"""

import sys
from contextlib import closing

import grpc
import uvloop

from benchmarks.hop import OPTIONS
from benchmarks.observability.sides import BARE, TRACED
from modalmesh.v1.fusion_ranker_service_pb2_grpc import add_FusionRankerServicer_to_server
from modalmesh_services.common.collecting import leave_alone_what_is_there
from modalmesh_services.common.interceptors import CallInterceptor
from modalmesh_services.common.observability.call_metrics import CallMetrics
from modalmesh_services.common.observability.logs import configure
from modalmesh_services.common.observability.observing import CallObserver
from modalmesh_services.common.observability.trace_export import TraceExport
from modalmesh_services.fusion_ranker.core import RankerCore
from modalmesh_services.fusion_ranker.loading import limits, load
from modalmesh_services.fusion_ranker.servicer import FusionRankerServicer
from modalmesh_services.fusion_ranker.settings import FusionRankerSettings


async def serve(side: str, port: int) -> None:
    settings = FusionRankerSettings()
    model = load(settings)
    core = RankerCore(model, limits(settings, model.description), settings.queue_bytes)
    observer = None if side == BARE else CallObserver(CallMetrics())
    server = grpc.aio.server(interceptors=[CallInterceptor(observer)], options=OPTIONS)
    add_FusionRankerServicer_to_server(FusionRankerServicer(core), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await core.start()
    await server.start()
    leave_alone_what_is_there()
    await server.wait_for_termination()


def main(side: str, port: int) -> None:
    configure("INFO", "json")
    if side == TRACED:
        with closing(TraceExport("fusion-ranker")):
            uvloop.run(serve(side, port))
    else:
        uvloop.run(serve(side, port))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
