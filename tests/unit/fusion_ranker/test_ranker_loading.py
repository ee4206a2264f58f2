from modalmesh_services.fusion_ranker.loading import limits, load
from modalmesh_services.fusion_ranker.settings import FusionRankerSettings


def test_the_default_model_fits_the_packaged_encoders() -> None:
    description = load(FusionRankerSettings()).description
    assert (description.text_dim, description.image_dim, description.fused_dim) == (384, 1280, 1664)
    assert limits(FusionRankerSettings()).fuse_items == 4096


def test_no_more_items_are_taken_than_whose_vectors_fit_into_an_answer() -> None:
    settings = FusionRankerSettings(text_dim=4096, image_dim=4096, max_message_bytes=1024 * 1024)
    fuse_items = limits(settings).fuse_items
    assert 25 <= fuse_items < 1024 * 1024 / (8192 * 4)
