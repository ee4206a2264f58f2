"""Things for the table, as parts from back to front. They stand on y = 84."""

from modalmesh.local.shop.shapes import Outline, Paint, Part, ellipse, points, rounded, smooth

SHADE, GLEAM, PATTERN = Paint.SHADE, Paint.GLEAM, Paint.PATTERN


def mug() -> list[Part]:
    body = smooth((27, 36), (27, 60), (29, 79), (36, 84), (58, 84), (65, 79), (67, 60), (67, 36), (47, 36))
    body = _flat_top(body, 36)
    return [
        Part(smooth((66, 45), (78, 43), (84, 54), (78, 68), (65, 71), closed=False), Paint.BASE, width=5.5),
        Part(body, PATTERN),
        Part(rounded(54, 30, 70, 90, 1), SHADE, within=body),
        Part(ellipse((47, 36), (20, 4.6)), Paint.PALE),
        Part(ellipse((47, 36.6), (17.6, 3.4)), Paint.DEEP),
    ]


def teapot() -> list[Part]:
    body = smooth((50, 38), (67, 43), (75, 60), (67, 79), (50, 84), (33, 79), (25, 60), (33, 43))
    return [
        Part(smooth((28, 48), (14, 46), (10, 58), (17, 70), (30, 72), closed=False), Paint.BASE, width=4.8),
        Part(smooth((72, 70), (80, 66), (84, 52), (91, 47), (86, 44), (78, 48), (70, 56)), Paint.BASE),
        Part(body, PATTERN),
        Part(ellipse((80, 60), (22, 40)), SHADE, within=body),
        Part(smooth((38, 41), (42, 34), (50, 32), (58, 34), (62, 41), (50, 44)), Paint.BASE),
        Part(ellipse((50, 29.5), (4, 4)), Paint.ACCENT),
    ]


def vase() -> list[Part]:
    body = smooth((42, 34), (43, 44), (31, 56), (30, 70), (38, 84), (62, 84), (70, 70), (69, 56), (57, 44), (58, 34))
    body = _flat_top(body, 34)
    stems = [
        Part(smooth((50, 40), (46, 24), (38, 13), closed=False), Paint.DEEP, width=0.9),
        Part(smooth((50, 40), (52, 22), (50, 9.5), closed=False), Paint.DEEP, width=0.9),
        Part(smooth((50, 40), (56, 26), (64, 15), closed=False), Paint.DEEP, width=0.9),
    ]
    buds = [Part(ellipse(centre, (4.2, 4.2)), Paint.ACCENT) for centre in ((38, 13), (50, 9.5), (64, 15))]
    return [
        *stems,
        *buds,
        Part(body, PATTERN),
        Part(ellipse((76, 62), (20, 34)), SHADE, within=body),
        Part(ellipse((50, 34), (8, 2)), Paint.DEEP),
    ]


def plate() -> list[Part]:
    rim = ellipse((50, 52), (36, 36))
    return [
        Part(ellipse((51.5, 54), (36, 36)), SHADE),
        Part(rim, PATTERN),
        Part(ellipse((50, 52), (20, 20)), Paint.PALE),
        Part(ellipse((50, 52), (20, 20)), SHADE, width=0.7),
        Part(smooth((36, 40), (42, 36.5), (50, 35), closed=False), GLEAM, width=1.6),
    ]


def bottle() -> list[Part]:
    body = rounded(36, 30, 64, 84, 7)
    return [
        Part(rounded(42, 14, 58, 26, 3), Paint.DEEP),
        Part(points((42, 24), (58, 24), (62, 33), (38, 33)), Paint.METAL),
        Part(body, PATTERN),
        Part(rounded(55, 28, 66, 90, 1), SHADE, within=body),
        Part(rounded(39.5, 37, 41.3, 74, 0.9), GLEAM),
        Part(smooth((46, 14), (46, 8), (54, 8), (54, 14), closed=False), Paint.DEEP, width=2),
    ]


def candle() -> list[Part]:
    glass = rounded(30, 42, 70, 84, 4)
    return [
        Part(smooth((50, 36), (45.5, 29), (50, 17), (54.5, 29)), Paint.ACCENT),
        Part(smooth((50, 35), (48, 31), (50, 25), (52, 31)), Paint.PALE),
        Part(glass, PATTERN),
        Part(rounded(58, 40, 72, 90, 1), SHADE, within=glass),
        Part(ellipse((50, 42.5), (20, 2.6)), Paint.PALE),
        Part(ellipse((50, 42.5), (20, 2.6)), SHADE),
        Part(points((50, 34), (50, 42)), Paint.DEEP, width=1),
    ]


def tin() -> list[Part]:
    body = rounded(27, 36, 73, 84, 3)
    return [
        Part(body, PATTERN),
        Part(rounded(60, 34, 74, 90, 1), SHADE, within=body),
        Part(rounded(25, 26, 75, 39, 3), Paint.BASE),
        Part(rounded(25, 35.5, 75, 39, 1.5), SHADE),
        Part(rounded(39, 51, 61, 69, 2), Paint.PALE),
        Part(points((43, 58), (57, 58)), Paint.DEEP, width=1.2),
        Part(points((45.5, 62.5), (54.5, 62.5)), Paint.ACCENT, width=1.2),
    ]


def _flat_top(outline: Outline, top: float) -> Outline:
    """The outline cut level where its curve rises above `top`."""
    level = outline.copy()
    level[:, 1] = level[:, 1].clip(min=top)
    return level
