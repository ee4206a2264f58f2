"""Things to wear and to carry, as parts from back to front. They stand on y = 84."""

from modalmesh.local.shop.shapes import Paint, Part, ellipse, mirrored, points, rounded, smooth, turned

SHADE, GLEAM, PATTERN = Paint.SHADE, Paint.GLEAM, Paint.PATTERN


def backpack() -> list[Part]:
    body = smooth((28, 78), (26, 46), (32, 24), (50, 17), (68, 24), (74, 46), (72, 78), (64, 84), (36, 84))
    pocket = rounded(33, 55, 67, 79, 5)
    strap = smooth((28, 40), (19, 46), (18, 66), (28, 76), closed=False)
    return [
        Part(smooth((43, 19), (43, 9), (57, 9), (57, 19), closed=False), Paint.DEEP, width=2.6),
        Part(strap, Paint.DEEP, width=4),
        Part(mirrored(strap), Paint.DEEP, width=4),
        Part(body, PATTERN),
        Part(ellipse((84, 52), (22, 48)), SHADE, within=body),
        Part(pocket, Paint.BASE),
        Part(rounded(33, 55, 67, 64, 4), SHADE),
        Part(rounded(47, 61, 53, 67, 1.5), Paint.ACCENT),
        Part(smooth((33, 38), (50, 33), (67, 38), closed=False), Paint.DEEP, width=1.3),
    ]


def tote() -> list[Part]:
    body = points((22, 36), (78, 36), (82, 84), (18, 84))
    return [
        Part(smooth((36, 42), (37, 18), (50, 9), (63, 18), (64, 42), closed=False), Paint.DEEP, width=3),
        Part(body, PATTERN),
        Part(points((66, 36), (84, 36), (84, 86), (70, 86)), SHADE, within=body),
        Part(points((22, 37), (78, 37)), Paint.DEEP, width=1.3),
    ]


def sneaker() -> list[Part]:
    upper = smooth((14, 74), (13, 50), (19, 35), (33, 35), (40, 44), (56, 53), (76, 59), (88, 66), (90, 75), (50, 76))
    laces = [
        Part(points((39 + 7 * n, 42 + 4.5 * n), (33 + 7 * n, 51 + 4 * n)), Paint.DEEP, width=1.8) for n in range(4)
    ]
    return [
        Part(upper, PATTERN),
        Part(smooth((13, 77), (12, 60), (20, 56), (28, 64), (28, 78)), Paint.DEEP, within=upper),
        Part(smooth((92, 78), (92, 62), (80, 60), (73, 68), (72, 78)), Paint.DEEP, within=upper),
        *laces,
        Part(rounded(10, 72, 93, 83, 5), Paint.PALE),
        Part(rounded(10, 79, 93, 84, 2.5), Paint.BASE),
    ]


def socks() -> list[Part]:
    parts = []
    for left in (12.0, 38.0):
        leg = smooth(
            *((left + x, y) for x, y in ((7, 17), (25, 17), (26, 50), (40, 66), (47, 76), (38, 84), (22, 80), (7, 66)))
        )
        cuff = rounded(left + 3.5, 12, left + 28.5, 22, 2)
        toe = ellipse((left + 43, 79), (10, 11))
        parts += [Part(leg, PATTERN), Part(toe, Paint.ACCENT, within=leg), Part(cuff, Paint.BASE)]
    return parts


def umbrella() -> list[Part]:
    canopy = smooth(
        (8, 52), (18, 26), (50, 13), (82, 26), (92, 52), (78, 47.5), (64, 52), (50, 47.5), (36, 52), (22, 47.5)
    )
    ribs = [
        Part(smooth((50, 13), (50 + 9 * n, 30), (50 + 14 * n, 51), closed=False), SHADE, width=0.8) for n in (-1, 1)
    ]
    return [
        Part(smooth((50, 48), (50, 70), (50, 78), (55, 84), (61, 79), closed=False), Paint.WOOD, width=2.6),
        Part(points((50, 8), (50, 15)), Paint.WOOD, width=2),
        Part(canopy, PATTERN),
        Part(ellipse((92, 46), (30, 40)), SHADE, within=canopy),
        *ribs,
    ]


def beanie() -> list[Part]:
    crown = smooth((19, 66), (22, 42), (35, 27), (50, 23), (65, 27), (78, 42), (81, 66))
    ribs = [Part(points((x, 65), (x, 81)), SHADE, width=1.2) for x in range(21, 81, 6)]
    return [
        Part(ellipse((50, 20), (10, 10)), Paint.ACCENT),
        Part(crown, PATTERN),
        Part(ellipse((88, 50), (22, 40)), SHADE, within=crown),
        Part(rounded(15, 62, 85, 84, 7), Paint.BASE),
        *ribs,
    ]


def apron() -> list[Part]:
    body = smooth((36, 24), (50, 26), (64, 24), (68, 40), (80, 46), (82, 84), (50, 84), (18, 84), (20, 46), (32, 40))
    pocket = rounded(36, 56, 64, 72, 3)
    return [
        Part(smooth((37, 26), (38, 10), (50, 6), (62, 10), (63, 26), closed=False), Paint.DEEP, width=2),
        Part(smooth((21, 47), (10, 50), (7, 60), closed=False), Paint.DEEP, width=2),
        Part(smooth((79, 47), (90, 50), (93, 60), closed=False), Paint.DEEP, width=2),
        Part(body, PATTERN),
        Part(pocket, Paint.BASE),
        Part(points((38, 60), (62, 60)), Paint.PALE, width=0.8),
    ]


def shirt() -> list[Part]:
    sleeve = turned(rounded(66, 20, 82, 46, 4), -24, (70, 24))
    body = points((31, 22), (41, 17), (59, 17), (69, 22), (70, 82), (30, 82))
    return [
        Part(sleeve, PATTERN),
        Part(mirrored(sleeve), PATTERN),
        Part(sleeve, SHADE),
        Part(mirrored(sleeve), SHADE),
        Part(body, PATTERN),
        Part(smooth((40, 16), (50, 16), (60, 16), (50, 25)), Paint.DEEP),
        Part(smooth((40, 17), (50, 26), (60, 17), closed=False), Paint.BASE, width=2.4),
    ]
