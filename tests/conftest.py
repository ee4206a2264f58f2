"""What holds for all tests, in one process or in several: `pytest -n 2`, of pytest-xdist."""

import os
import shutil
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from xdist.scheduler import LoadFileScheduling

# A loaded machine is slow, which is no fault of the code; pytest-timeout ends what hangs.
settings.register_profile("modalmesh", deadline=None)
settings.load_profile("modalmesh")

_MODELS = pytest.StashKey[Path]()
_CACHES = [f"MODALMESH_{service}_ENCODER_MODEL_CACHE" for service in ("TEXT", "IMAGE")]
if "PYTEST_XDIST_WORKER" in os.environ:
    # Each process has one core; libraries would start as many threads as there are cores.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure(config: pytest.Config) -> None:
    """One cache of models for all encoders of a run, those in processes of their own included, so that each model is
    converted once and the user's own folder stays as it is. Who starts the processes of a run gives it to them.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        config.stash[_MODELS] = Path(tempfile.mkdtemp(prefix="modalmesh-models-"))
        os.environ.update(dict.fromkeys(_CACHES, str(config.stash[_MODELS])))


def pytest_unconfigure(config: pytest.Config) -> None:
    if _MODELS in config.stash:
        shutil.rmtree(config.stash[_MODELS], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the fake device comes last: torch keeps it for as long as the process runs, and then takes every
    tensor's page-locked memory for the device's matter.
    """
    items.sort(key=lambda item: item.path.stem.endswith("_on_a_device"))


@pytest.fixture(scope="session")
def model_cache() -> Path:
    return Path(os.environ[_CACHES[0]])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "LoadFileScheduling":
    """The tests of a file stay in one process; so do those of a folder with a conftest, as they share what is in it."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = PurePosixPath(super()._split_scope(nodeid))
            return str(file.parent if (config.rootpath / file.parent / "conftest.py").exists() else file)

    return Scheduling(config, log)
