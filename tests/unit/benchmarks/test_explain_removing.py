"""What is left of texts and pictures."""

import io

import numpy as np
import pytest
from PIL import Image

from benchmarks.explain.removing import Canvas, without_words
from modalmesh.types import RegionShare, WordShare

TEXTS = {"title": "Red mug", "description": "A mug, for tea."}


def word(field: str, text: str) -> WordShare:
    start = TEXTS[field].index(text)
    return WordShare(field, start, start + len(text), text, 0.0, 0.0)


def test_words_are_taken_out_of_their_own_field() -> None:
    gone = [word("description", "A"), word("title", "Red"), word("description", "tea")]
    assert without_words(TEXTS, gone) == {"title": "mug", "description": "mug, for ."}


def test_a_field_without_words_is_left_out() -> None:
    assert without_words(TEXTS, [word("title", "Red"), word("title", "mug")]) == {"description": "A mug, for tea."}


def picture() -> bytes:
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[:, 4:] = 200
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_a_region_gets_the_pictures_mean_colour_and_the_rest_stays() -> None:
    painted = Canvas(picture()).without([RegionShare(0, 0.0, 0.5, 0.5, 1.0, 0.0, 0.0)])
    with Image.open(io.BytesIO(painted)) as image:
        pixels = np.asarray(image)
    assert np.unique(pixels[2:, :4]).tolist() == [100]
    assert np.unique(pixels[:2, :4]).tolist() == [0]
    assert np.unique(pixels[:, 4:]).tolist() == [200]


def test_what_is_no_picture_says_so() -> None:
    with pytest.raises(OSError, match="cannot identify"):
        Canvas(b"nothing")
