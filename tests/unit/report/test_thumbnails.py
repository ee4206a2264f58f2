import base64
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from modalmesh.local.report.thumbnails import Thumbnails, usual_ratio


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    target = BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def _solid(width: int, height: int, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (width, height))


def _decoded(uri: str) -> Image.Image:
    head, body = uri.split(",")
    assert head == "data:image/webp;base64"
    return Image.open(BytesIO(base64.b64decode(body)))


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGB"), ("JPEG", "CMYK"), ("GIF", "P"), ("WEBP", "RGBA"), ("PNG", "LA")]
)
def test_pictures_of_every_kind_become_small_ones(kind: str, mode: str) -> None:
    uri = Thumbnails().uri(_encoded(_solid(400, 600, mode), kind), 100)
    assert _decoded(uri).size == (100, 150)


def test_a_small_picture_is_not_blown_up() -> None:
    assert _decoded(Thumbnails().uri(_encoded(_solid(20, 30), "PNG"), 100)).size == (20, 30)


def test_a_tall_picture_is_bounded_in_height() -> None:
    assert _decoded(Thumbnails().uri(_encoded(_solid(100, 4000), "PNG"), 100)).size == (5, 200)


def test_what_can_be_seen_through_becomes_white() -> None:
    uri = Thumbnails().uri(_encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 0)), "PNG"), 8)
    assert _decoded(uri).convert("RGB").getpixel((4, 4)) == (255, 255, 255)


def test_a_turned_photo_stands_upright() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    uri = Thumbnails().uri(_encoded(_solid(40, 20), "JPEG", exif=turned), 100)
    assert _decoded(uri).size == (20, 40)


@pytest.mark.parametrize("broken", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_what_is_no_picture_has_no_thumbnail(broken: bytes) -> None:
    assert Thumbnails().uri(broken, 100) == ""


def test_a_truncated_picture_has_no_thumbnail() -> None:
    noise = Image.effect_noise((300, 300), 60)
    assert Thumbnails().uri(_encoded(noise, "JPEG")[:2000], 100) == ""


def test_a_picture_of_too_many_pixels_is_not_decoded() -> None:
    assert Thumbnails().uri(_encoded(_solid(8000, 8000, "1"), "PNG"), 100) == ""


def test_a_picture_is_encoded_once_a_size(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    thumbnails, picture = Thumbnails(), _encoded(_solid(50, 50), "PNG")
    first = thumbnails.uri(picture, 40)
    monkeypatch.setattr(Image.Image, "save", None)
    assert thumbnails.uri(picture, 40) is first


@pytest.mark.parametrize(
    ("sizes", "ratio"), [([(300, 300)], 1.0), ([(152, 224)] * 3 + [(300, 300)], 2 / 3), ([(400, 300)], 1.0), ([], 1.0)]
)
def test_frames_take_the_shape_of_most_pictures(sizes: list[tuple[int, int]], ratio: float) -> None:
    pictures = [_encoded(_solid(*size), "PNG") for size in sizes] + [b"broken"]
    assert usual_ratio(pictures) == ratio
