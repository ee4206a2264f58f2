from pydantic import Field
from pydantic_settings import SettingsConfigDict

from modalmesh_services.common.backends.device import NAMES
from modalmesh_services.common.configuration.settings import ServerSettings


class FusionRankerSettings(ServerSettings):
    model_config = SettingsConfigDict(env_prefix="MODALMESH_FUSION_RANKER_")

    model: str = Field(
        "zero-shot", min_length=1, description="zero-shot, which needs no training, or the folder of a trained bundle"
    )
    device: str = Field("auto", pattern=NAMES, description="auto, cpu or cuda:N")
    text_dim: int = Field(384, gt=0, le=65536, description="dim of the text encoder's vectors, for zero-shot")
    image_dim: int = Field(1280, gt=0, le=65536, description="dim of the image encoder's vectors, for zero-shot")
    max_candidates: int = Field(10_000, gt=0, description="most candidates a call")
    max_history_events: int = Field(500, gt=0, description="most events of a history")
    fuse_items: int = Field(4096, gt=0, description="most items a Fuse call")
    fuse_rows: int = Field(65_536, gt=0, description="most text or image tokens of a Fuse call")
    fuse_values: int = Field(262_144, gt=0, description="most attribute values of a Fuse call")
    explained_pairs: int = Field(100_000, gt=0, description="most explanations a call times the history's events")
    queue_bytes: int = Field(
        512 * 1024 * 1024, gt=0, description="vectors that may wait; the rest is told to come back"
    )
