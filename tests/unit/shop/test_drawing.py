"""The drawing kit: outlines, prints and forms."""

import numpy as np
import pytest
from PIL import Image

from modalmesh.local.shop.clips import clip
from modalmesh.local.shop.palettes import PALETTES, mix
from modalmesh.local.shop.patterns import PATTERNS, cloth, wallpaper
from modalmesh.local.shop.pictures import FORMS, Look, detail, picture
from modalmesh.local.shop.shapes import (
    CANVAS_SIDE,
    SIDE,
    Paint,
    Part,
    ellipse,
    fill,
    finished,
    mirrored,
    points,
    rounded,
    smooth,
    turned,
)

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def _blank() -> Image.Image:
    return Image.new("RGB", (CANVAS_SIDE, CANVAS_SIDE), WHITE)


def _inked(canvas: Image.Image) -> float:
    """The share of a white canvas that is black."""
    return 1 - float(np.asarray(canvas.convert("L"), float).mean()) / 255


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_form_stays_inside_the_picture_and_shows_its_print(form: str) -> None:
    parts = FORMS[form]()
    everything = np.concatenate([part.outline for part in parts if part.within is None])
    assert everything.min() >= 4
    assert everything.max() <= 96
    assert any(part.paint is Paint.PATTERN for part in parts)


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
@pytest.mark.parametrize("form", ["mug", "cushion"])
def test_a_picture_has_its_size_and_its_colours(form: str, pattern: str) -> None:
    image = picture(form, Look(pattern, PALETTES[1], dark=True))
    assert (image.size, image.mode) == ((SIDE, SIDE), "RGB")
    assert PALETTES[1].base in {colour for _, colour in image.getcolors(SIDE * SIDE) or []}


def test_a_dark_ground_turns_the_print_round() -> None:
    light, dark = (np.asarray(cloth("dots", PALETTES[0], dark).convert("L"), float).mean() for dark in (False, True))
    assert light > dark + 30


def test_wallpaper_is_quieter_than_cloth() -> None:
    loud, quiet = (
        np.asarray(image.convert("L"), float).std()
        for image in (cloth("checks", PALETTES[2], False), wallpaper("checks", PALETTES[2]))
    )
    assert quiet < loud / 4


def test_a_detail_is_the_cloth_alone() -> None:
    look = Look("plain", PALETTES[3], dark=False)
    assert detail(look).getcolors() == [(SIDE * SIDE, PALETTES[3].base)]


def test_a_part_is_drawn_only_within_its_clip() -> None:
    canvas = _blank()
    fill(
        canvas,
        Part(points((0, 0), (100, 0), (100, 100), (0, 100)), Paint.SHADE, within=rounded(0, 0, 50, 50, 1)),
        BLACK,
    )
    assert _inked(canvas) == pytest.approx(0.25, abs=0.01)
    assert canvas.getpixel((CANVAS_SIDE - 5, CANVAS_SIDE - 5)) == WHITE


def test_strength_mixes_with_what_lies_below() -> None:
    canvas = _blank()
    fill(canvas, Part(points((-1, -1), (101, -1), (101, 101), (-1, 101)), Paint.SHADE), BLACK, 0.5)
    assert _inked(canvas) == pytest.approx(0.5, abs=0.01)


def test_a_line_has_its_width_and_round_ends() -> None:
    canvas = _blank()
    fill(canvas, Part(points((20, 50), (80, 50)), Paint.DEEP, width=10), BLACK)
    assert _inked(canvas) == pytest.approx(0.06 + np.pi * 0.05**2, abs=0.002)


def test_edges_are_smooth_after_finishing() -> None:
    canvas = _blank()
    fill(canvas, Part(ellipse((50, 50), (30, 30)), Paint.DEEP), BLACK)
    greys = {level for _, level in finished(canvas).convert("L").getcolors() or []}
    assert len(greys) > 5


def test_a_smooth_curve_goes_through_its_points() -> None:
    through = ((10.0, 10.0), (50.0, 20.0), (90.0, 80.0))
    for closed in (True, False):
        curve = smooth(*through, closed=closed)
        assert all(np.abs(curve - point).sum(axis=1).min() < 1e-9 for point in through)


def test_turning_and_mirroring_twice_is_nothing() -> None:
    outline = rounded(20, 30, 60, 70, 5)
    assert np.allclose(turned(turned(outline, 33, (50, 50)), -33, (50, 50)), outline)
    assert np.allclose(mirrored(mirrored(outline)), outline)


def test_colours_mix_from_the_first_to_the_second() -> None:
    assert [mix(BLACK, WHITE, amount) for amount in (0, 1)] == [BLACK, WHITE]
    assert mix(BLACK, WHITE, 0.2) == (51, 51, 51)


def test_a_clip_is_the_same_every_time() -> None:
    front = picture("vase", Look("stripes", PALETTES[4], dark=False))
    assert clip(front) == clip(front)
