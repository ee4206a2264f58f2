from pydantic import Field
from pydantic_settings import SettingsConfigDict

from modalmesh_services.common.backends.device import NAMES, Backend, Precision
from modalmesh_services.common.configuration.settings import ServerSettings
from modalmesh_services.image_encoder.videos import VideoLimits

_MIB = 1024 * 1024


class ImageEncoderSettings(ServerSettings):
    model_config = SettingsConfigDict(env_prefix="MODALMESH_IMAGE_ENCODER_")

    model: str = Field(
        "packaged", description="packaged, a Hugging Face folder, a torchvision name such as resnet50, or a hub name"
    )
    weights: str = Field("", description="file or folder with a torchvision model's weights; empty downloads them once")
    device: str = Field("auto", pattern=NAMES, description="auto, cpu or cuda:N")
    backend: Backend = Field("auto", description="auto is OpenVINO on a CPU where it can run the model, else torch")
    precision: Precision = Field("auto", description="auto is bf16 where the device has it")
    threads: int = Field(0, ge=0, description="CPU cores for the model; 0 takes all")
    model_cache: str = Field("", description="folder for converted models; empty is ~/.cache/modalmesh/models")
    max_image_bytes: int = Field(20 * _MIB, gt=0, description="a longer file is refused")
    max_image_pixels: int = Field(50_000_000, gt=0, description="a larger picture or video frame is refused")
    max_video_bytes: int = Field(48 * _MIB, gt=0, description="a longer file is refused")
    max_video_seconds: int = Field(600, gt=0, description="a longer video is refused")
    max_video_pixels: int = Field(16_000_000_000, gt=0, description="most pixels of all of a video's frames together")
    video_frames: int = Field(8, gt=0, le=256, description="frames that are taken from a video")
    batch_inputs: int = Field(1024, gt=0, description="most pictures and videos a call")
    micro_batch: int = Field(0, ge=0, description="most pictures on the device at once; 0 is 4 a CPU core, 64 a GPU")
    queue_pixels: int = Field(400_000_000, gt=0, description="pixels that may wait; what is above is told to come back")
    stream_in_flight: int = Field(64, gt=0, description="most inputs of one stream that are worked on at once")
    stream_answer_bytes: int = Field(8 * _MIB, gt=0, description="the same in bytes of their answers")

    @property
    def video_limits(self) -> VideoLimits:
        return VideoLimits(
            bytes=self.max_video_bytes,
            seconds=self.max_video_seconds,
            pixels=self.max_image_pixels,
            total_pixels=self.max_video_pixels,
            frames=self.video_frames,
        )
