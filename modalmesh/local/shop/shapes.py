"""Flat drawing: outlines in percent of the picture's side, painted onto a canvas that is shrunk to smooth its edges."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Outline = npt.NDArray[np.float64]
"""(N, 2) points in percent of the side, x to the right and y down."""
Colour = tuple[int, int, int]
Point = tuple[float, float]

SIDE = 288
"""Side of a finished picture in pixels."""
_OVERSAMPLING = 3
CANVAS_SIDE = SIDE * _OVERSAMPLING
"""Side in pixels of the canvas that is drawn on."""
PERCENT = CANVAS_SIDE / 100
"""Pixels of the canvas in one percent of its side."""


class Paint(Enum):
    """What a part is filled with; the palette and the pattern are chosen by the product."""

    PATTERN = "pattern"
    BASE = "base"
    ACCENT = "accent"
    PALE = "pale"
    DEEP = "deep"
    WOOD = "wood"
    METAL = "metal"
    SHADE = "shade"
    GLEAM = "gleam"


@dataclass(frozen=True, slots=True)
class Part:
    """One filled outline, or a line of `width` percent; it is drawn only inside `within` where that is given."""

    outline: Outline
    paint: Paint
    width: float = 0.0
    within: Outline | None = None


def points(*corners: Point) -> Outline:
    return np.array(corners, dtype=np.float64)


def ellipse(centre: Point, radii: Point, start: float = 0, end: float = 360) -> Outline:
    """An ellipse or an arc of it, in degrees clockwise from three o'clock."""
    angles = np.radians(np.linspace(start, end, 73))
    return np.stack([centre[0] + radii[0] * np.cos(angles), centre[1] + radii[1] * np.sin(angles)], axis=1)


def rounded(left: float, top: float, right: float, bottom: float, radius: float) -> Outline:
    """A rectangle with round corners."""
    inner = (left + radius, top + radius, right - radius, bottom - radius)
    corners = ((inner[0], inner[1], 180), (inner[2], inner[1], 270), (inner[2], inner[3], 0), (inner[0], inner[3], 90))
    return np.concatenate([ellipse((x, y), (radius, radius), angle, angle + 90) for x, y, angle in corners])


def smooth(*through: Point, closed: bool = True) -> Outline:
    """A Catmull-Rom curve through the given points."""
    knots = points(*through)
    if closed:
        padded = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        padded = np.concatenate([knots[:1], knots, knots[-1:]])
    t = np.linspace(0, 1, 16, endpoint=False)[:, None]
    pieces = []
    for before, here, after, beyond in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        cubic = 2 * before - 5 * here + 4 * after - beyond, 3 * (here - after) + beyond - before
        pieces.append(here + 0.5 * t * ((after - before) + t * (cubic[0] + t * cubic[1])))
    return np.concatenate(pieces) if closed else np.concatenate([*pieces, knots[-1:]])


def turned(outline: Outline, degrees: float, around: Point) -> Outline:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned_points: Outline = (outline - around) @ turn + around
    return turned_points


def mirrored(outline: Outline, axis: float = 50) -> Outline:
    """The outline on the other side of the vertical line x = axis."""
    return np.stack([2 * axis - outline[:, 0], outline[:, 1]], axis=1)


def fill(canvas: Image.Image, part: Part, paint: Image.Image | Colour, strength: float = 1.0) -> None:
    """Draw a part onto an RGB canvas, `strength` 1 covers it."""
    if isinstance(paint, tuple) and strength == 1.0 and part.within is None:
        _trace(ImageDraw.Draw(canvas), part, paint)
        return
    mask = Image.new("L", canvas.size, 0)
    _trace(ImageDraw.Draw(mask), part, round(255 * strength))
    if part.within is not None:
        clip = Image.new("L", canvas.size, 0)
        _trace(ImageDraw.Draw(clip), Part(part.within, part.paint), 255)
        mask.paste(0, mask=clip.point([255 - level for level in range(256)]))
    canvas.paste(paint, (0, 0, *canvas.size) if isinstance(paint, tuple) else (0, 0), mask)


def finished(canvas: Image.Image) -> Image.Image:
    """The canvas at its final size; averaging makes the edges smooth."""
    return canvas.reduce(_OVERSAMPLING)


def _trace(pen: ImageDraw.ImageDraw, part: Part, ink: Colour | int) -> None:
    pixels: Sequence[tuple[float, float]] = [(x * PERCENT, y * PERCENT) for x, y in part.outline.tolist()]
    if not part.width:
        pen.polygon(pixels, fill=ink)
        return
    pen.line(pixels, fill=ink, width=round(part.width * PERCENT), joint="curve")
    radius = part.width * PERCENT / 2
    for x, y in (pixels[0], pixels[-1]):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)
