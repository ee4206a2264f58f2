import numpy as np
import pytest
from PIL import Image

from modalmesh_services.image_encoder import preprocess
from modalmesh_services.image_encoder.preprocess import Preprocess

from .pictures import draw

CROP = Preprocess(28, 28, (0.875, 0.875), Image.Resampling.BICUBIC, (127.0,) * 3, (128.0,) * 3)
IMAGENET = {"image_mean": [0.5, 0.25, 0.125], "image_std": [0.5, 0.25, 0.125], "resample": 3}


def test_the_middle_of_the_short_side_is_cut_out() -> None:
    assert CROP.box(64, 32) == (18, 2, 46, 30)
    assert CROP.box(32, 64) == (2, 18, 30, 46)


def test_pixels_come_with_the_part_of_the_picture_that_they_show() -> None:
    pixels, shares = CROP(draw(64, 32))
    assert pixels.shape == (28, 28, 3)
    assert pixels.dtype == np.uint8
    assert shares == (18 / 64, 2 / 32, 46 / 64, 30 / 32)


def test_without_a_crop_everything_is_shown() -> None:
    squash = Preprocess(16, 16, None, Image.Resampling.BILINEAR, (0.0,) * 3, (1.0,) * 3)
    assert squash(draw(64, 32))[1] == (0, 0, 1, 1)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 5000), (5000, 1), (3, 2)])
def test_odd_sizes_have_pixels_too(width: int, height: int) -> None:
    pixels, shares = CROP(Image.new("RGB", (width, height), "red"))
    assert (pixels == (255, 0, 0)).all()
    assert all(0 <= share <= 1 for share in shares)


def test_enough_is_twice_what_the_crop_needs_but_never_more_than_there_is() -> None:
    assert CROP.enough(640, 320) == (128, 64)
    assert CROP.enough(40, 30) == (40, 30)


def test_a_clip_configuration_crops_the_resized_short_side() -> None:
    config = {"size": {"shortest_edge": 224}, "do_center_crop": True, "crop_size": {"height": 224, "width": 168}}
    read = preprocess.from_config({**config, **IMAGENET})
    assert (read.height, read.width, read.crop) == (224, 168, (1.0, 0.75))
    assert read.mean == pytest.approx((127.5, 63.75, 31.875))


def test_a_vit_configuration_squashes_the_whole_picture() -> None:
    read = preprocess.from_config({"size": {"height": 224, "width": 200}, **IMAGENET})
    assert (read.height, read.width, read.crop) == (224, 200, None)


def test_a_bare_number_is_a_square_or_with_a_crop_the_short_side() -> None:
    assert preprocess.from_config({"size": 224, **IMAGENET}).crop is None
    cropped = preprocess.from_config({"size": 256, "crop_size": 224, "do_center_crop": True, **IMAGENET})
    assert (cropped.height, cropped.crop) == (224, (0.875, 0.875))


def test_a_configuration_without_normalisation_leaves_values_from_0_to_1() -> None:
    read = preprocess.from_config({"size": 224, "do_normalize": False, **IMAGENET})
    assert (read.mean, read.std) == ((0.0,) * 3, (255.0,) * 3)


def test_a_way_of_resizing_that_is_unknown_is_refused() -> None:
    with pytest.raises(ValueError, match="longest_edge"):
        preprocess.from_config({"size": {"longest_edge": 224}, **IMAGENET})


def test_all_settings_decide_the_fingerprint() -> None:
    assert {"preprocessing", "height", "width", "crop", "resample", "mean", "std"} == set(CROP.deciding())
