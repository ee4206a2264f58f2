from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from modalmesh_services.common.backends.device import NAMES, Backend, Precision
from modalmesh_services.common.configuration.settings import ServerSettings

Pooling = Literal["auto", "mean", "cls"]


class TextEncoderSettings(ServerSettings):
    model_config = SettingsConfigDict(env_prefix="MODALMESH_TEXT_ENCODER_")

    model: str = Field("packaged", description="packaged, a Hugging Face folder, or a name on the hub")
    device: str = Field("auto", pattern=NAMES, description="auto, cpu or cuda:N")
    backend: Backend = Field("auto", description="auto is OpenVINO on a CPU where it can run the model, else torch")
    precision: Precision = Field("auto", description="auto is bf16 where the device has it")
    threads: int = Field(0, ge=0, description="CPU cores for the model; 0 takes all")
    model_cache: str = Field("", description="folder for converted models; empty is ~/.cache/modalmesh/models")
    pooling: Pooling = Field("auto", description="auto is what the model's folder says, or else mean")
    max_tokens: int = Field(0, ge=0, description="longest text in tokens; 0 takes the model's own limit")
    max_text_bytes: int = Field(1024 * 1024, gt=0, description="a longer text is refused")
    batch_inputs: int = Field(1024, gt=0, description="most texts a call")
    micro_batch: int = Field(0, ge=0, description="most texts on the device at once; 0 is 16 a CPU core, 128 a GPU")
    queue_tokens: int = Field(
        512 * 1024, gt=0, description="tokens that may wait, 10 a text added; the rest is told to come back"
    )
    stream_in_flight: int = Field(256, gt=0, description="most texts of one stream that are worked on at once")
    stream_answer_bytes: int = Field(8 * 1024 * 1024, gt=0, description="the same in bytes of their answers")
