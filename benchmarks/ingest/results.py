"""What a round of either side came to. Knows no torch, so that `--help` doesn't wait for it."""

from dataclasses import dataclass

from benchmarks.machine import Reading


@dataclass(frozen=True, slots=True)
class Model:
    """What tells whether two sides ran the same model in the same way."""

    fingerprint: str
    build: str


@dataclass(frozen=True, slots=True)
class FloorRun:
    """`texts` and `images` are those that differ; an image is a picture or a video."""

    used: Reading
    items: int
    texts: int
    images: int


@dataclass(frozen=True, slots=True)
class MeshRun:
    """`used` is for the items alone, without the events after them."""

    used: Reading
    seconds_with_events: float
    items: int
    events: int
    texts: int
    images: int
    text: Model
    image: Model
