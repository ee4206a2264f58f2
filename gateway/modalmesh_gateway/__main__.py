"""`python -m modalmesh_gateway`: settings -> core -> server."""

import sys

from modalmesh.v1.recommender_service_pb2_grpc import add_RecommenderServicer_to_server
from modalmesh_gateway.bootstrap import connect
from modalmesh_gateway.servicer import Recommender
from modalmesh_gateway.settings import GatewaySettings
from modalmesh_services.common.server import MeshServer, main, run

SERVICE = "modalmesh.v1.Recommender"


async def serve(settings: GatewaySettings) -> None:
    server = MeshServer(settings, [SERVICE])
    gateway = connect(settings)
    add_RecommenderServicer_to_server(Recommender(gateway), server.grpc)
    server.metrics.register(gateway.metrics)
    await run(server, gateway.start, gateway.stop, "gateway")


if __name__ == "__main__":
    settings = GatewaySettings.load(
        "modalmesh-gateway", "The one service that callers need: items, events, recommendations, search."
    )
    sys.exit(main(lambda: serve(settings), settings, "gateway"))
