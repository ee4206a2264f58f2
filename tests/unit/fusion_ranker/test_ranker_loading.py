import subprocess
import sys
from pathlib import Path

import pytest

from modalmesh.errors import InvalidInput, NotFound
from modalmesh_services.fusion_ranker.bundle import Learned, write_bundle
from modalmesh_services.fusion_ranker.loading import limits, load
from modalmesh_services.fusion_ranker.settings import FusionRankerSettings
from modalmesh_services.fusion_ranker.systems.interface import Parts
from tests.unit.fusion_ranker.tiny.learning import ENCODERS, NAME
from tests.unit.fusion_ranker.tiny.learning import PARTS as TINY_PARTS
from tests.unit.fusion_ranker.tiny.serving import TinyRanker


def test_the_default_model_fits_the_packaged_encoders() -> None:
    settings = FusionRankerSettings()
    description = load(settings).description
    assert (description.text_dim, description.image_dim, description.fused_dim) == (384, 1280, 1664)
    assert limits(settings, description).fuse_items == 4096


def test_without_a_bundle_nothing_is_loaded_that_only_a_bundle_needs() -> None:
    code = (
        "import sys; from modalmesh_services.fusion_ranker import __main__, loading, settings;"
        "loading.load(settings.FusionRankerSettings());"
        "sys.exit(bool({'scipy', 'sklearn', 'safetensors', 'jinja2'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_serves_a_bundle_needs_neither_scikit_learn_nor_jinja() -> None:
    systems = "modalmesh_services.fusion_ranker.systems"
    code = (
        f"import sys, {systems}.modalmesh.serving, {systems}.multimodal.serving;"
        "import modalmesh_services.fusion_ranker.bundle.serving;"
        "sys.exit(bool({'sklearn', 'jinja2', 'grpc'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_more_items_are_taken_than_whose_vectors_fit_into_an_answer() -> None:
    settings = FusionRankerSettings(text_dim=4096, image_dim=4096, max_message_bytes=1024 * 1024)
    fuse_items = limits(settings, load(settings).description).fuse_items
    assert 25 <= fuse_items < 1024 * 1024 / (8192 * 4)


def bundle(folder: Path, parts: Parts = TINY_PARTS) -> FusionRankerSettings:
    write_bundle(folder, Learned(NAME, 1, {}, ""), ENCODERS, parts, {}, "")
    return FusionRankerSettings(model=str(folder))


@pytest.mark.usefixtures("tiny_system")
def test_a_bundle_brings_its_own_dims_and_fingerprints(tmp_path: Path) -> None:
    settings = bundle(tmp_path / "bundle")
    description = load(settings).description
    assert (description.text_dim, description.image_dim) == (ENCODERS.text_dim, ENCODERS.image_dim)
    assert (description.text_fingerprint, description.image_fingerprint) == ("t1", "i1")
    assert len(description.revision) == 32


@pytest.mark.usefixtures("tiny_system")
def test_a_bundle_whose_parts_the_system_can_not_use_is_refused_by_name(tmp_path: Path) -> None:
    settings = bundle(tmp_path / "bundle", Parts(TINY_PARTS.settings, {}, ("lamp",)))
    with pytest.raises(InvalidInput, match=f"{tmp_path}/bundle: tiny can't rank with its parts"):
        load(settings)


@pytest.mark.usefixtures("tiny_system")
def test_a_bundle_that_loads_and_cannot_rank_is_refused_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rank(self: TinyRanker, request: object) -> None:
        raise KeyError("gates")

    monkeypatch.setattr(TinyRanker, "rank", rank)
    settings = bundle(tmp_path / "bundle")
    with pytest.raises(InvalidInput, match=r"can't rank with its parts .*gates"):
        load(settings)


def test_a_bundle_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=str(tmp_path)):
        load(FusionRankerSettings(model=str(tmp_path / "none")))
