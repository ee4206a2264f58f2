"""Pictures as files' bytes: somebody's own, or drawn."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
_SIZE = (340, 500)
_QUALITY = 85


def read(folder: Path, wanted: int) -> list[bytes]:
    """At most `wanted` different files, spread evenly over the folder's names."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    chosen = paths if len(paths) <= wanted else [paths[place * len(paths) // wanted] for place in range(wanted)]
    return list(dict.fromkeys(path.read_bytes() for path in chosen))


def draw(wanted: int) -> list[bytes]:
    """So many different JPEG files of a poster's size, with large shapes and fine grain."""
    return list(_drawn(wanted))


def _drawn(wanted: int) -> Iterator[bytes]:
    generator = np.random.default_rng(0)
    grain = Image.effect_noise(_SIZE, 40).convert("RGB")
    for _ in range(wanted):
        cells = generator.integers(3, 24)
        coarse = Image.fromarray(generator.integers(0, 256, (cells, cells, 3), np.uint8))
        picture = Image.blend(coarse.resize(_SIZE, Image.Resampling.BICUBIC), grain, 0.2)
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=_QUALITY)
        yield file.getvalue()
