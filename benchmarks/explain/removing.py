"""Words taken out of texts and regions out of pictures, for real: what is left goes to the encoder."""

import io
import re
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageOps

from modalmesh.types import RegionShare, WordShare

_SPACES = re.compile(r"\s+")


def without_words(texts: Mapping[str, str], words: Sequence[WordShare]) -> dict[str, str]:
    """The text fields without these words; a field of which nothing but punctuation is left is left out."""
    left: dict[str, str] = {}
    for field, text in texts.items():
        # From the end on, so that the places of the others stay what they are.
        for word in sorted((each for each in words if each.field == field), key=lambda each: -each.start):
            text = text[: word.start] + text[word.end :]
        if any(character.isalnum() for character in text):
            left[field] = _SPACES.sub(" ", text).strip()
    return left


class Canvas:
    """A picture of which regions can be painted over."""

    def __init__(self, content: bytes) -> None:
        """Raises OSError: it can't be read."""
        with Image.open(io.BytesIO(content)) as picture:
            upright = ImageOps.exif_transpose(picture).convert("RGB")
        self._pixels = np.asarray(upright)
        self._mean = self._pixels.reshape(-1, 3).mean(axis=0).round().astype(np.uint8)

    def without(self, regions: Sequence[RegionShare]) -> bytes:
        """A PNG in which these regions have the picture's mean colour."""
        pixels = self._pixels.copy()
        height, width, _ = pixels.shape
        for region in regions:
            rows = slice(round(region.top * height), round(region.bottom * height))
            columns = slice(round(region.left * width), round(region.right * width))
            pixels[rows, columns] = self._mean
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG", compress_level=1)
        return file.getvalue()
