from dataclasses import replace

import numpy as np
import pytest
import torch

from modalmesh.errors import InvalidInput
from modalmesh_services.fusion_ranker.systems.multimodal.fuse_requests import items_of, nothing_known
from modalmesh_services.fusion_ranker.systems.multimodal.items import MOST_VALUES, Items, Layout, attribute_rows
from modalmesh_services.fusion_ranker.systems.multimodal.learning import system
from tests.unit.fusion_ranker.systems.multimodal.made import (
    IMAGE_DIM,
    ITEMS,
    TEXT_DIM,
    TINY,
    catalogue,
    fuse_request,
    without_anything,
)

PRODUCTS = system("MultiModalProductRecommender", TINY).settings
EVERYTHING = np.ones(ITEMS, np.bool_)


def layout() -> Layout:
    return Layout.of(PRODUCTS, catalogue(), EVERYTHING)


def test_a_layout_has_the_modalities_that_the_data_have() -> None:
    assert layout().dims == (("text", TEXT_DIM, 8), ("image", IMAGE_DIM, 4), ("frames", IMAGE_DIM, 16))
    without = catalogue()
    without = replace(without, image=without.image.of_kind("picture"))
    assert Layout.of(PRODUCTS, without, EVERYTHING).modalities == ("text", "image", "attributes")


def test_a_layout_is_kept_as_json() -> None:
    assert Layout.from_json(layout().as_json()) == layout()


def test_nothing_is_taken_from_items_out_of_training() -> None:
    of_camp_one = np.arange(ITEMS) % 2 == 1
    assert ("genres", "camp-0") not in Layout.of(PRODUCTS, catalogue(), of_camp_one).values
    assert ("genres", "camp-1") in Layout.of(PRODUCTS, catalogue(), of_camp_one).values


def test_tags_are_a_text_and_no_attribute() -> None:
    assert layout().fields == ("genres",)


def test_a_catalogue_without_any_of_the_modalities_is_refused() -> None:
    blank = without_anything(EVERYTHING)
    with pytest.raises(InvalidInput, match="no item has any of text, image, frames, attributes"):
        Layout.of(PRODUCTS, blank, EVERYTHING)


def test_attributes_are_called_by_their_place_whatever_their_order_and_too_many_are_left_out() -> None:
    values = tuple(("genres", f"{number:02}") for number in range(MOST_VALUES + 3))
    own = Layout((), values)
    listed = [value for _, value in reversed(values)]
    rows = attribute_rows([{"genres": listed}, {"genres": ["02", "00", "unheard"]}, {"cast": ["00"]}], own)
    assert rows[0, 0].tolist() == list(range(1, MOST_VALUES + 1))
    assert rows[1, 0, :3].tolist() == [1, 3, 0]
    assert not rows[2].any()


def test_a_request_and_the_catalogue_say_the_same_of_items() -> None:
    kept, asked = Items.of(catalogue(), layout()), items_of(fuse_request(catalogue()), layout())
    assert torch.equal(asked.attributes, kept.attributes)
    for name in ("text", "image", "frames"):
        assert torch.equal(asked.tokens[name].mask, kept.tokens[name].mask)
        assert torch.equal(asked.tokens[name].values, kept.tokens[name].values)


def test_a_catalogue_that_lost_a_modality_still_fits_the_layout() -> None:
    lost = Items.of(catalogue().without_pictures(EVERYTHING), layout())
    assert lost.tokens["image"].values.shape == (ITEMS, 0, IMAGE_DIM)
    assert not lost.tokens["image"].mask.any()


def test_what_nothing_is_known_of_is_told() -> None:
    hidden = np.arange(ITEMS) == 7
    assert nothing_known(Items.of(without_anything(hidden), layout())).nonzero().tolist() == [[7]]
