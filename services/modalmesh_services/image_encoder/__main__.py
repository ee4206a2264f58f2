"""Wires settings, core and server. `python -m modalmesh_services.image_encoder --help` lists the settings."""

import sys

from modalmesh.v1.image_encoder_service_pb2_grpc import add_ImageEncoderServicer_to_server
from modalmesh_services.common.observability.telemetry import EngineCollector
from modalmesh_services.common.server import MeshServer, main, run
from modalmesh_services.image_encoder.core import ImageEncoder
from modalmesh_services.image_encoder.loading import LoadedImage, load
from modalmesh_services.image_encoder.servicer import SERVICE_NAME, ImageEncoderServicer
from modalmesh_services.image_encoder.settings import ImageEncoderSettings

NAME = "image-encoder"


def build(settings: ImageEncoderSettings, loaded: LoadedImage | None = None) -> tuple[MeshServer, ImageEncoder]:
    """A server around a model, which is loaded where none is given. Neither is started."""
    core = ImageEncoder(loaded or load(settings), settings)
    server = MeshServer(settings, [SERVICE_NAME])
    add_ImageEncoderServicer_to_server(ImageEncoderServicer(core, settings), server.grpc)
    server.metrics.register(EngineCollector(core.engine.metrics, "pictures"))
    core.engine.on_health(server.set_serving)
    return server, core


def serve(settings: ImageEncoderSettings) -> int:
    async def serving() -> None:
        server, core = build(settings)
        await run(server, core.start, core.stop, NAME)

    return main(serving, settings, NAME)


if __name__ == "__main__":
    sys.exit(serve(ImageEncoderSettings.load("modalmesh-image-encoder", "Pictures and videos in, vectors out.")))
