"""From a picture of any size to the square that a model takes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels: TypeAlias = npt.NDArray[np.uint8]
"""(H, W, 3) uint8 RGB."""

Box: TypeAlias = tuple[float, float, float, float]
"""left, top, right, bottom."""

# Counts changes of the code below that change vectors. Part of every fingerprint.
_VERSION = 1
# A picture much larger than wanted is first shrunk by a cheap whole factor, down to this many times the size.
_REDUCING_GAP = 3.0


@dataclass(frozen=True, slots=True)
class Preprocess:
    """Cut `crop` (height and width in multiples of the short side; None: everything) from the middle, resize it to
    (height, width), and bring the values 0 to 255 to (value - mean) / std.
    """

    height: int
    width: int
    crop: tuple[float, float] | None
    resample: Image.Resampling
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """What `dataclasses.asdict` gave, from JSON."""
        crop = fields["crop"]
        return cls(
            fields["height"],
            fields["width"],
            tuple(crop) if crop else None,
            Image.Resampling(fields["resample"]),
            tuple(fields["mean"]),
            tuple(fields["std"]),
        )

    def deciding(self) -> Mapping[str, Any]:
        """What of this belongs into a fingerprint."""
        return {"preprocessing": _VERSION, **asdict(self)}

    def box(self, width: int, height: int) -> Box:
        """What is cut out, in pixels of a picture of this size."""
        if self.crop is None:
            return 0.0, 0.0, float(width), float(height)
        short = min(width, height)
        crop_height, crop_width = min(self.crop[0] * short, height), min(self.crop[1] * short, width)
        left, top = (width - crop_width) / 2, (height - crop_height) / 2
        return left, top, left + crop_width, top + crop_height

    def enough(self, width: int, height: int) -> tuple[int, int]:
        """Width and height to which a picture may be shrunk before, and still be sharp: twice what is needed."""
        left, top, right, bottom = self.box(width, height)
        factor = min(1.0, 2 * max(self.width / (right - left), self.height / (bottom - top)))
        return max(1, round(width * factor)), max(1, round(height * factor))

    def __call__(self, picture: Image.Image) -> tuple[Pixels, Box]:
        """The pixels of an RGB picture, and what part of it they show, as shares of its width and height."""
        width, height = picture.size
        box = self.box(width, height)
        resized = picture.resize((self.width, self.height), self.resample, box, reducing_gap=_REDUCING_GAP)
        shares = (box[0] / width, box[1] / height, box[2] / width, box[3] / height)
        return np.asarray(resized), shares


def from_torchvision(preset: Any) -> Preprocess:
    """As torchvision's ImageClassification says it: resize the short side, keep the middle, values 0 to 1."""
    (crop,), (resize,) = preset.crop_size, preset.resize_size
    resample = Image.Resampling[preset.interpolation.name]
    share = crop / resize
    return Preprocess(crop, crop, (share, share), resample, _times(preset.mean, 255), _times(preset.std, 255))


def from_config(config: Mapping[str, Any]) -> Preprocess:
    """As a Hugging Face preprocessor_config.json says it.

    Raises:
        ValueError: it asks for sizes in a way that isn't known.
    """
    crops = bool(config.get("do_center_crop"))
    size = _as_size(config["size"], "shortest_edge" if crops else "")
    resample = Image.Resampling(config.get("resample", Image.Resampling.BICUBIC))
    mean, std = _normalisation(config)
    if not crops and "height" in size:
        return Preprocess(size["height"], size["width"], None, resample, mean, std)
    if not crops or "shortest_edge" not in size:
        raise ValueError(f"preprocessing to {dict(size)} is not supported")
    short, crop = size["shortest_edge"], _as_size(config["crop_size"], "")
    shares = (crop["height"] / short, crop["width"] / short)
    return Preprocess(crop["height"], crop["width"], shares, resample, mean, std)


def _as_size(size: int | Mapping[str, int], edge: str) -> Mapping[str, int]:
    """Old configurations have a bare number: that of an edge, or of all edges of a square."""
    if not isinstance(size, int):
        return size
    return {edge: size} if edge else {"height": size, "width": size}


def _normalisation(config: Mapping[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation for values from 0 to 255."""
    scale = 1 / float(config.get("rescale_factor", 1 / 255))
    if not config.get("do_normalize", True):
        return (0.0,) * 3, (scale,) * 3
    return _times(config["image_mean"], scale), _times(config["image_std"], scale)


def _times(values: Any, factor: float) -> tuple[float, ...]:
    return tuple(float(value) * factor for value in values)
