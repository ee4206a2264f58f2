"""The colour worlds of the shop."""

from dataclasses import dataclass

from PIL import ImageColor

from modalmesh.local.shop.shapes import Colour

WOOD: Colour = (201, 158, 112)
METAL: Colour = (92, 96, 104)


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours that go together: the room behind a product, and the product's own."""

    name: str
    wall: Colour
    floor: Colour
    base: Colour
    accent: Colour
    pale: Colour
    deep: Colour


def _palette(name: str, *hexadecimal: str) -> Palette:
    wall, floor, base, accent, pale, deep = (_rgb(colour) for colour in hexadecimal)
    return Palette(name, wall, floor, base, accent, pale, deep)


def _rgb(hexadecimal: str) -> Colour:
    red, green, blue = ImageColor.getrgb(hexadecimal)[:3]
    return red, green, blue


PALETTES = (
    _palette("clay", "#f4e3d7", "#e7c9b5", "#c65a3a", "#e9a660", "#fbf1e7", "#66291c"),
    _palette("sea", "#dfebee", "#c2d8de", "#2b6c8c", "#7cb8bd", "#f4f9f8", "#15384e"),
    _palette("forest", "#e5ecdd", "#cad7bf", "#4c7850", "#a8bd69", "#f6f6ea", "#22402c"),
    _palette("berry", "#f4e2e8", "#e5c3ce", "#a5385a", "#e48ba0", "#fcf3f2", "#521a35"),
    _palette("sun", "#f9eecf", "#f0db9f", "#dfa122", "#d8683a", "#fff9e8", "#664611"),
    _palette("ink", "#e9e8e4", "#d3d1cb", "#3b3e48", "#8d93a1", "#f8f6f1", "#1b1d24"),
    _palette("lilac", "#e8e3f2", "#cfc6e4", "#6b58a6", "#c29ad2", "#f8f5fb", "#31255b"),
)


def mix(first: Colour, second: Colour, amount: float) -> Colour:
    """`first` with `amount` (0 to 1) of `second` in it."""
    red, green, blue = (round(a + (b - a) * amount) for a, b in zip(first, second, strict=True))
    return red, green, blue
