"""Pictures as small data URIs, each encoded once a size."""

import base64
from io import BytesIO
from statistics import median

from PIL import Image, ImageOps

_MAX_PIXELS = 40_000_000
_QUALITY = 74
_SQUARE, _POSTER = 1.0, 2 / 3
# Pillow tells of a broken file in all of these ways.
_UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


class Thumbnails:
    """Makes and remembers thumbnails.

    A picture that can't be read has none: it was refused at ingest already, and is listed there.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[bytes, int], str] = {}

    def uri(self, picture: bytes, width: int) -> str:
        """A data URI of the picture at most `width` pixels wide; empty if there is no picture, or none to be read."""
        key = (picture, width)
        if picture and key not in self._made:
            self._made[key] = _encoded(picture, width)
        return self._made.get(key, "")


def usual_ratio(pictures: list[bytes]) -> float:
    """Width by height of most pictures, as one of two frames: a square's or a poster's."""
    ratios = [ratio for picture in pictures if (ratio := _ratio(picture))]
    return _POSTER if ratios and median(ratios) < (_SQUARE + _POSTER) / 2 else _SQUARE


def _ratio(picture: bytes) -> float:
    try:
        with Image.open(BytesIO(picture)) as image:
            return image.width / image.height
    except _UNREADABLE:
        return 0.0


def _encoded(picture: bytes, width: int) -> str:
    try:
        with Image.open(BytesIO(picture)) as image:
            if image.width * image.height > _MAX_PIXELS:
                return ""
            image.draft("RGB", (2 * width, 2 * width))
            small = _opaque(ImageOps.exif_transpose(image))
    except _UNREADABLE:
        return ""
    small.thumbnail((width, 2 * width), Image.Resampling.LANCZOS)
    target = BytesIO()
    small.save(target, format="WEBP", quality=_QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(target.getvalue()).decode("ascii")


def _opaque(image: Image.Image) -> Image.Image:
    """RGB; what can be seen through is white."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
