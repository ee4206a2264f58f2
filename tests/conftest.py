"""What holds for all tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A loaded machine is slow, which is no fault of the code; pytest-timeout ends what hangs.
settings.register_profile("modalmesh", deadline=None)
settings.load_profile("modalmesh")


@pytest.fixture(scope="session", autouse=True)
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One for all encoders of a run, those in processes of their own included, so that each model is converted once
    and the user's own folder stays as it is.
    """
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as environment:
        for service in ("TEXT", "IMAGE"):
            environment.setenv(f"MODALMESH_{service}_ENCODER_MODEL_CACHE", str(folder))
        yield folder
    # Otherwise pytest would keep it for three runs.
    shutil.rmtree(folder, ignore_errors=True)
