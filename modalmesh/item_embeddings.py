"""One item's vectors as the gateway gives them out, for training. Knows no grpc and no protobuf."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modalmesh.embeddings import FloatMatrix, ModelId
from modalmesh.types import Modality, PictureKind


@dataclass(frozen=True, slots=True, eq=False)
class ItemEmbeddings:
    """An item's token vectors; a modality that it lacks has no rows.

    `text` is (T, Dt) float32, row i encodes `text_fields[i]`; `image` is (I, Di) float32, row i is of kind
    `image_kinds[i]`. Vectors of two `text_model`s, or of two `image_model`s, are never compared.
    """

    item_id: str
    text: FloatMatrix
    text_fields: Sequence[str]
    image: FloatMatrix
    image_kinds: Sequence[PictureKind]
    text_model: ModelId
    image_model: ModelId
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    time_ms: int | None = None
    missing: Sequence[Modality] = ()
