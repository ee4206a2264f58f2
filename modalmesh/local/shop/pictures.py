"""A product in its room: wallpaper, floor, shadow and the parts of its form."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from modalmesh.local.shop import home, tableware, wear
from modalmesh.local.shop.palettes import METAL, WOOD, Palette, mix
from modalmesh.local.shop.patterns import cloth, wallpaper
from modalmesh.local.shop.shapes import Colour, Paint, Part, ellipse, fill, finished, points

FORMS: dict[str, Callable[[], list[Part]]] = {
    "apron": wear.apron,
    "armchair": home.armchair,
    "backpack": wear.backpack,
    "beanie": wear.beanie,
    "blanket": home.blanket,
    "bottle": tableware.bottle,
    "candle": tableware.candle,
    "clock": home.clock,
    "cushion": home.cushion,
    "lamp": home.lamp,
    "mug": tableware.mug,
    "notebook": home.notebook,
    "plate": tableware.plate,
    "poster": home.poster,
    "rug": home.rug,
    "shirt": wear.shirt,
    "sneaker": wear.sneaker,
    "socks": wear.socks,
    "teapot": tableware.teapot,
    "tin": tableware.tin,
    "tote": wear.tote,
    "umbrella": wear.umbrella,
    "vase": tableware.vase,
}
_HANGING = frozenset({"clock", "plate", "poster", "shirt", "socks", "apron", "umbrella", "cushion"})
"""Forms that hang or lie: they cast no shadow on the floor."""
_FLOOR = 76.0
_FLOORS = {"rug": 24.0}
"""Where the floor begins, in percent from the top; one sees more of it where something lies on it."""
_SHADE_STRENGTH = 0.14
_GLEAM_STRENGTH = 0.45
_HEM = Paint.BASE
_HEM_WIDTH = 0.9


@dataclass(frozen=True, slots=True)
class Look:
    """What only the picture tells: the print, the colour world, and whether the ground is dark."""

    pattern: str
    palette: Palette
    dark: bool


def picture(form: str, look: Look) -> Image.Image:
    """The product in its room, (SIDE, SIDE) RGB."""
    canvas = wallpaper(look.pattern, look.palette).copy()
    if form not in _HANGING:
        palette = look.palette
        edge = _FLOORS.get(form, _FLOOR)
        fill(canvas, Part(points((0, edge), (100, edge), (100, 100), (0, 100)), Paint.BASE), palette.floor)
        fill(canvas, Part(ellipse((51, 84), (36, 3.4)), Paint.SHADE), mix(palette.floor, palette.deep, 0.28))
    for part in FORMS[form]():
        _paint(canvas, part, look)
    return finished(canvas)


def detail(look: Look) -> Image.Image:
    """The cloth alone, seen close, (SIDE, SIDE) RGB."""
    return finished(cloth(look.pattern, look.palette, look.dark))


def _paint(canvas: Image.Image, part: Part, look: Look) -> None:
    match part.paint:
        case Paint.PATTERN:
            fill(canvas, part, cloth(look.pattern, look.palette, look.dark))
            # A hem, so that pale cloth stands out from a pale wall.
            hem = np.concatenate([part.outline, part.outline[:1]])
            fill(canvas, Part(hem, Paint.BASE, width=_HEM_WIDTH), _solid(_HEM, look.palette))
        case Paint.SHADE:
            fill(canvas, part, look.palette.deep, _SHADE_STRENGTH)
        case Paint.GLEAM:
            fill(canvas, part, look.palette.pale, _GLEAM_STRENGTH)
        case paint:
            fill(canvas, part, _solid(paint, look.palette))


def _solid(paint: Paint, palette: Palette) -> Colour:
    colours: dict[Paint, Colour] = {
        Paint.BASE: palette.base,
        Paint.ACCENT: palette.accent,
        Paint.PALE: palette.pale,
        Paint.DEEP: palette.deep,
        Paint.WOOD: WOOD,
        Paint.METAL: METAL,
    }
    return colours[paint]
