import pytest

from benchmarks import encode
from benchmarks.encode.report import EncodeReport, keys


@pytest.fixture(scope="module")
def measured() -> EncodeReport:
    told: list[str] = []
    return encode.run(told.append, pictures=None, peers=(), kind="image", rounds=None, quick=True)


# Four floors are loaded and tried, and two services started.
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_quick_run_measures_every_key_but_the_peers(measured: EncodeReport) -> None:
    (image,) = measured.measured
    missing = {name for name, value in keys(image).items() if value is None}
    assert "ratio" not in missing
    assert {name for name in missing if "peer" not in name} <= {
        "padding_ratio",
        "refusal_p99_ms",
        "torch_floor_over_sentence_transformers",
    }


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_all_sides_give_the_models_vectors(measured: EncodeReport) -> None:
    (image,) = measured.measured
    assert (image.service.cosine or 0) > 0.999
    assert (image.torch_service.cosine or 0) > 0.99
