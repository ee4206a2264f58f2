"""What a round of either side came to. Knows no torch, so that `--help` doesn't wait for it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Model:
    """What tells whether two sides ran the same model in the same way."""

    fingerprint: str
    build: str


@dataclass(frozen=True, slots=True)
class FloorRun:
    """`texts` and `images` are those that differ; an image is a picture or a video."""

    seconds: float
    cpu_seconds: float
    items: int
    texts: int
    images: int


@dataclass(frozen=True, slots=True)
class MeshRun:
    """`seconds` and `cpu_seconds` (by process) are those of the items alone, without the events after them."""

    seconds: float
    seconds_with_events: float
    cpu_seconds: dict[str, float]
    items: int
    events: int
    texts: int
    images: int
    text: Model
    image: Model
