"""Wires settings, core and server. `python -m modalmesh_services.fusion_ranker --help` lists the settings."""

import sys

from modalmesh.v1.fusion_ranker_service_pb2_grpc import add_FusionRankerServicer_to_server
from modalmesh_services.common.server import MeshServer, main, run
from modalmesh_services.fusion_ranker.core import RankerCore
from modalmesh_services.fusion_ranker.loading import limits, load
from modalmesh_services.fusion_ranker.models.interface import RankerModel
from modalmesh_services.fusion_ranker.servicer import SERVICE_NAME, FusionRankerServicer
from modalmesh_services.fusion_ranker.settings import FusionRankerSettings
from modalmesh_services.fusion_ranker.telemetry import WorkerCollector

NAME = "fusion-ranker"


def build(settings: FusionRankerSettings, model: RankerModel | None = None) -> tuple[MeshServer, RankerCore]:
    """Load the model unless it is given, and put a server around it that isn't started.

    Raises:
        NotFound, InvalidInput: the model is a bundle that isn't there or can't be used.
    """
    model = model or load(settings)
    core = RankerCore(model, limits(settings, model.description), settings.queue_bytes)
    server = MeshServer(settings, [SERVICE_NAME])
    add_FusionRankerServicer_to_server(FusionRankerServicer(core), server.grpc)
    server.metrics.register(WorkerCollector(core.metrics))
    return server, core


def serve(settings: FusionRankerSettings) -> int:
    async def serving() -> None:
        server, core = build(settings)
        await run(server, core.start, core.stop, NAME)

    return main(serving, settings, NAME)


if __name__ == "__main__":
    sys.exit(serve(FusionRankerSettings.load("modalmesh-fusion-ranker", "Embeddings and histories in, a ranking out.")))
