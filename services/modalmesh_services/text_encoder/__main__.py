"""Wires settings, core and server. `python -m modalmesh_services.text_encoder --help` lists the settings."""

import sys

from modalmesh.v1.text_encoder_service_pb2_grpc import add_TextEncoderServicer_to_server
from modalmesh_services.common.observability.telemetry import EngineCollector
from modalmesh_services.common.server import MeshServer, main, run
from modalmesh_services.text_encoder.core import TextEncoder
from modalmesh_services.text_encoder.loading import LoadedText, load
from modalmesh_services.text_encoder.servicer import SERVICE_NAME, TextEncoderServicer
from modalmesh_services.text_encoder.settings import TextEncoderSettings

NAME = "text-encoder"


def build(settings: TextEncoderSettings, loaded: LoadedText | None = None) -> tuple[MeshServer, TextEncoder]:
    """A server around a model, which is loaded where none is given. Neither is started."""
    core = TextEncoder(loaded or load(settings), settings)
    server = MeshServer(settings, [SERVICE_NAME])
    add_TextEncoderServicer_to_server(TextEncoderServicer(core, settings), server.grpc)
    server.metrics.register(EngineCollector(core.engine.metrics, "tokens"))
    core.engine.on_health(server.set_serving)
    return server, core


def serve(settings: TextEncoderSettings) -> int:
    async def serving() -> None:
        server, core = build(settings)
        await run(server, core.start, core.stop, NAME)

    return main(serving, settings, NAME)


if __name__ == "__main__":
    sys.exit(serve(TextEncoderSettings.load("modalmesh-text-encoder", "Texts in, vectors out.")))
