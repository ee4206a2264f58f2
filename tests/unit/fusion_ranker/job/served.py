"""A scripted gateway that has vectors."""

from modalmesh import convert, types
from modalmesh.convert_matrices import matrix_to_proto
from modalmesh.embeddings import Dtype
from modalmesh.embeddings import Embeddings as Matrix
from modalmesh.v1 import fusion_ranker_service_pb2 as ranker
from modalmesh.v1 import recommender_service_pb2 as v1
from modalmesh.v1 import types_pb2 as messages
from modalmesh_services.fusion_ranker.dataset.embeddings import Embeddings
from tests.unit.client.scripted_gateway import ScriptedGateway


def serve(gateway: ScriptedGateway, embeddings: Embeddings, *, pictures: bool = True, image_dim: int = 7) -> None:
    """One vector of each modality an item. The image encoder that serves now has `image_dim`."""
    items = [
        ranker.ItemTokens(
            item_id=item_id,
            texts=[ranker.TextToken(field="title", row=row)],
            images=[ranker.ImageToken(kind=messages.PICTURE_KIND_PICTURE, row=row)] if pictures else [],
        )
        for row, item_id in enumerate(embeddings.item_ids)
    ]
    image = Matrix(embeddings.image.vectors, embeddings.image_model) if pictures else None
    text = matrix_to_proto(Matrix(embeddings.text.vectors, embeddings.text_model), Dtype.F32)
    gateway.answers["GetEmbeddings"] = [
        v1.GetEmbeddingsResponse(text=text, image=matrix_to_proto(image, Dtype.F32) if image else None, items=items)
    ]
    serving = types.ServiceStatus("image-encoder", "", True, "", types.ModelInfo("effnet", "i9", "cpu", image_dim))
    store, cache = types.StoreStatus(True, "", "", True, 0), types.CacheStatus(0, 0, 0, 0)
    gateway.answers["GetStatus"] = convert.status_to_proto(types.Status("0.1.0", (serving,), store, (), cache))
