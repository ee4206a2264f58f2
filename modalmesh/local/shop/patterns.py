"""The prints of the shop: what a product's surface shows, and its room's wallpaper in a whisper."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from modalmesh.local.shop.palettes import Palette, mix
from modalmesh.local.shop.shapes import CANVAS_SIDE, PERCENT, Colour, Paint, Part, fill, smooth, turned

_FULL = CANVAS_SIDE


@dataclass(frozen=True, slots=True)
class Inks:
    """The colours of one print: its ground and three inks, the strongest first."""

    ground: Colour
    first: Colour
    second: Colour
    third: Colour


Printer = Callable[[Image.Image, Inks], None]


def _stripes(cloth: Image.Image, inks: Inks) -> None:
    pen = ImageDraw.Draw(cloth)
    step = 8 * PERCENT
    for number in range(14):
        left = number * step
        pen.rectangle((left, 0, left + step * 0.5, _FULL), fill=inks.first if number % 3 else inks.second)


def _dots(cloth: Image.Image, inks: Inks) -> None:
    pen = ImageDraw.Draw(cloth)
    step, radius = 8.6 * PERCENT, 2.5 * PERCENT
    for row in range(14):
        for column in range(-1, 14):
            x, y = (column + 0.5 * (row % 2)) * step, row * step * 0.87
            ink = inks.second if (row + 2 * column) % 5 == 0 else inks.first
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)


def _leaves(cloth: Image.Image, inks: Inks) -> None:
    """Sprigs: a stem with pairs of leaves, each row of them shifted against the next."""
    for row in range(-1, 5):
        for column in range(-1, 6):
            foot = (column * 20 + 10 * (row % 2) + 4.0, row * 25 + 24.0)
            tilt = 16.0 if (row + column) % 2 else -16.0
            stem = smooth(foot, (foot[0] + 0.8, foot[1] - 9), (foot[0], foot[1] - 19), closed=False)
            fill(cloth, Part(turned(stem, tilt, foot), Paint.BASE, width=0.8), inks.first)
            for height, side in ((4, 1), (6.5, -1), (9.5, 1), (12, -1), (15, 1), (17, -1)):
                joint = (foot[0], foot[1] - height)
                leaf = turned(_leaf(joint, 7.4 - height * 0.17), 52.0 * side, joint)
                ink = inks.second if side > 0 and height > 9 else inks.first
                fill(cloth, Part(turned(leaf, tilt, foot), Paint.BASE), ink)
            tip = turned(_leaf((foot[0], foot[1] - 18.4), 4.6), 0, foot)
            fill(cloth, Part(turned(tip, tilt, foot), Paint.BASE), inks.first)


def _leaf(joint: tuple[float, float], length: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """A leaf that stands upright on its joint."""
    x, y = joint
    wide = length * 0.25
    return smooth(joint, (x + wide, y - length * 0.45), (x, y - length), (x - wide, y - length * 0.45))


def _checks(cloth: Image.Image, inks: Inks) -> None:
    """Gingham: where two bands cross, the ink is full."""
    pen = ImageDraw.Draw(cloth)
    step = 12 * PERCENT
    half = mix(inks.ground, inks.first, 0.5)
    bands = [(number * step, number * step + step / 2) for number in range(9)]
    for start, end in bands:
        pen.rectangle((start, 0, end, _FULL), fill=half)
        pen.rectangle((0, start, _FULL, end), fill=half)
    for left, right in bands:
        for top, bottom in bands:
            pen.rectangle((left, top, right, bottom), fill=inks.first)


def _scallops(cloth: Image.Image, inks: Inks) -> None:
    """Overlapping scales of three rings, as on a Japanese seigaiha cloth."""
    pen = ImageDraw.Draw(cloth)
    radius = 8.4 * PERCENT
    for row in range(28):
        y = row * radius * 0.5
        for column in range(-1, 8):
            x = (2 * column + row % 2) * radius
            for share, ink in ((1.0, inks.ground), (0.9, inks.first), (0.64, inks.ground), (0.52, inks.second)):
                size = radius * share
                pen.ellipse((x - size, y - size, x + size, y + size), fill=ink)
            pen.ellipse((x - radius * 0.24, y - radius * 0.24, x + radius * 0.24, y + radius * 0.24), fill=inks.ground)


def _triangles(cloth: Image.Image, inks: Inks) -> None:
    pen = ImageDraw.Draw(cloth)
    side = 12.5 * PERCENT
    height = side * 0.87
    choices = (inks.first, inks.third, inks.second, inks.first, inks.third)
    for row in range(11):
        for column in range(-1, 10):
            x, y = (column + 0.5 * (row % 2)) * side, row * height
            ink = choices[(2 * row + 3 * column) % len(choices)]
            pen.polygon([(x, y + height), (x + side, y + height), (x + side / 2, y)], fill=ink)


def _zigzag(cloth: Image.Image, inks: Inks) -> None:
    for row in range(-1, 14):
        ink = inks.second if row % 3 == 2 else inks.first
        corners = [(6.5 * column, row * 8.6 + (5.4 if column % 2 else 0)) for column in range(-1, 18)]
        fill(cloth, Part(np.array(corners), Paint.BASE, width=3.9), ink)


def _plain(cloth: Image.Image, inks: Inks) -> None:
    """Nothing printed: the ground itself."""


PATTERNS: dict[str, Printer] = {
    "stripes": _stripes,
    "dots": _dots,
    "leaves": _leaves,
    "checks": _checks,
    "scallops": _scallops,
    "triangles": _triangles,
    "zigzag": _zigzag,
    "plain": _plain,
}


@lru_cache(maxsize=256)
def cloth(pattern: str, palette: Palette, dark: bool) -> Image.Image:
    """A square of printed cloth as large as the canvas; `dark` prints pale ink on a strong ground."""
    if pattern == "plain" or dark:
        inks = Inks(palette.base, palette.pale, palette.accent, palette.deep)
    else:
        inks = Inks(palette.pale, palette.base, palette.accent, palette.deep)
    return _printed(pattern, inks)


@lru_cache(maxsize=256)
def wallpaper(pattern: str, palette: Palette) -> Image.Image:
    """The same print tone on tone, for the room behind."""
    inks = Inks(palette.wall, palette.base, palette.accent, palette.deep)
    quiet = {name: mix(palette.wall, getattr(inks, name), 0.17) for name in ("first", "second", "third")}
    return _printed(pattern, replace(inks, **quiet))


def _printed(pattern: str, inks: Inks) -> Image.Image:
    square = Image.new("RGB", (_FULL, _FULL), inks.ground)
    PATTERNS[pattern](square, inks)
    return square
