"""Things for the room, as parts from back to front. They stand on y = 84."""

from modalmesh.local.shop.shapes import Paint, Part, ellipse, mirrored, points, rounded, smooth

SHADE, GLEAM, PATTERN = Paint.SHADE, Paint.GLEAM, Paint.PATTERN


def lamp() -> list[Part]:
    shade = points((35, 12), (65, 12), (79, 48), (21, 48))
    foot = smooth((50, 56), (60, 66), (60, 78), (54, 83), (46, 83), (40, 78), (40, 66))
    return [
        Part(points((50, 46), (50, 60)), Paint.METAL, width=2.2),
        Part(foot, Paint.BASE),
        Part(ellipse((66, 70), (14, 22)), SHADE, within=foot),
        Part(rounded(41, 81, 59, 84, 1.5), Paint.WOOD),
        Part(shade, PATTERN),
        Part(points((60, 10), (82, 10), (82, 50), (65, 50)), SHADE, within=shade),
        Part(points((35, 12), (65, 12)), Paint.DEEP, width=1.4),
        Part(points((21, 48), (79, 48)), Paint.DEEP, width=1.4),
    ]


def cushion() -> list[Part]:
    body = smooth((16, 18), (50, 23), (84, 18), (79, 50), (84, 84), (50, 79), (16, 84), (21, 50))
    return [
        Part(body, PATTERN),
        Part(ellipse((92, 52), (26, 60)), SHADE, within=body),
        Part(smooth((30, 30), (34, 40), (33, 50), closed=False), SHADE, width=0.9),
        Part(smooth((70, 71), (64, 62), (66, 54), closed=False), SHADE, width=0.9),
    ]


def blanket() -> list[Part]:
    """Three folded layers, the print on each."""
    layers = [rounded(13, top, 87, top + 17, 8) for top in (67, 50, 33)]
    parts = []
    for layer in layers:
        bottom = float(layer[:, 1].max())
        parts += [Part(layer, PATTERN), Part(rounded(10, bottom - 4, 90, bottom + 2, 1), SHADE, within=layer)]
    return parts


def rug() -> list[Part]:
    body = points((24, 34), (76, 34), (92, 80), (8, 80))
    fringe = [Part(points((x, 80), (x - (50 - x) * 0.06, 85)), Paint.PALE, width=1.1) for x in range(9, 93, 4)]
    return [*fringe, Part(body, PATTERN)]


def poster() -> list[Part]:
    return [
        Part(points((22.5, 9.5), (80.5, 9.5), (80.5, 82.5), (22.5, 82.5)), SHADE),
        Part(points((20, 7), (78, 7), (78, 80), (20, 80)), Paint.WOOD),
        Part(points((22.5, 9.5), (75.5, 9.5), (75.5, 77.5), (22.5, 77.5)), Paint.PALE),
        Part(points((28, 15), (70, 15), (70, 72), (28, 72)), PATTERN),
    ]


def armchair() -> list[Part]:
    back = smooth((28, 58), (26, 30), (34, 17), (50, 14), (66, 17), (74, 30), (72, 58))
    seat = rounded(24, 54, 76, 74, 6)
    arm = rounded(15, 44, 29, 75, 6)
    legs = [Part(points((x, 73), (x + lean, 85)), Paint.WOOD, width=3) for x, lean in ((25, -3), (75, 3))]
    return [
        *legs,
        Part(back, PATTERN),
        Part(rounded(24, 49, 76, 60, 1), SHADE, within=back),
        Part(seat, PATTERN),
        Part(rounded(24, 68, 76, 75, 1), SHADE, within=seat),
        Part(arm, Paint.BASE),
        Part(mirrored(arm), Paint.BASE),
        Part(mirrored(arm), SHADE),
    ]


def clock() -> list[Part]:
    hours = [Part(ellipse((50, 47), (30, 30), 30 * hour, 30 * hour + 1), Paint.DEEP, width=1.7) for hour in range(12)]
    return [
        Part(ellipse((51.5, 49.5), (37, 37)), SHADE),
        Part(ellipse((50, 47), (37, 37)), Paint.WOOD),
        Part(ellipse((50, 47), (34, 34)), PATTERN),
        *hours,
        Part(ellipse((50, 47), (11, 11)), Paint.PALE),
        Part(points((50, 47), (36, 38)), Paint.DEEP, width=2.4),
        Part(points((50, 47), (64, 28)), Paint.DEEP, width=1.7),
        Part(ellipse((50, 47), (2.4, 2.4)), Paint.ACCENT),
    ]


def notebook() -> list[Part]:
    cover = rounded(24, 12, 76, 84, 3)
    return [
        Part(rounded(27, 14.5, 79, 86, 3), Paint.PALE),
        Part(rounded(27, 14.5, 79, 86, 3), SHADE),
        Part(cover, PATTERN),
        Part(rounded(24, 12, 33, 84, 3), Paint.DEEP),
        Part(rounded(42, 26, 67, 40, 1.5), Paint.PALE),
        Part(points((46, 33), (63, 33)), Paint.DEEP, width=1),
        Part(points((72, 12), (72, 84)), Paint.ACCENT, width=1.8),
    ]
