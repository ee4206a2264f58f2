"""A bundle onto the disk, whole or not at all."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modalmesh.errors import InvalidInput
from modalmesh_services.fusion_ranker.bundle.contents import Encoders, Learned, to_files
from modalmesh_services.fusion_ranker.bundle.manifest import MANIFEST, Manifest
from modalmesh_services.fusion_ranker.systems.interface import Parts


def check_writable(folder: Path) -> None:
    """Find out before the work whether a bundle can be written there; another bundle would be replaced.

    Raises:
        InvalidInput: something that is no bundle is there.
        OSError: nothing can be made beside it.
    """
    place = _place(folder)
    if place.exists() and not (place / MANIFEST).is_file() and not (place.is_dir() and not any(place.iterdir())):
        raise InvalidInput(str(folder), "is there already, and is no bundle to be replaced", reason="NO_BUNDLE")
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = _beside(place, "part")
    draft.mkdir()
    draft.rmdir()


def write_bundle(
    folder: Path, learned: Learned, encoders: Encoders, parts: Parts, metrics: Mapping[str, Any], report: str
) -> str:
    """Write a bundle, in place of one that is there, and return its revision. `report` is a page to look at.

    The same contents give the same bytes.

    Raises:
        InvalidInput: something that is no bundle is there.
        ValueError, TypeError: the contents are no JSON or no arrays of numbers.
        OSError: it can't be written; nothing has changed then.
    """
    check_writable(folder)
    files = to_files(parts, metrics, report)
    manifest = Manifest.of(learned, encoders, files)
    place = _place(folder)
    draft = _beside(place, "part")
    draft.mkdir()
    try:
        for name, content in {**files, MANIFEST: manifest.to_bytes()}.items():
            _write(draft / name, content)
        _sync(draft)
        _put(draft, place)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return manifest.revision


def _put(draft: Path, place: Path) -> None:
    """Folders can't replace each other in one step, but for empty ones: the old one steps aside first."""
    if place.exists() and any(place.iterdir()):
        old = _beside(place, "old")
        place.rename(old)
        try:
            draft.rename(place)
        except BaseException:
            old.rename(place)
            raise
        shutil.rmtree(old, ignore_errors=True)
    else:
        draft.rename(place)
    _sync(place.parent)


def _place(folder: Path) -> Path:
    """Where a link to a bundle leads, so that the link stays."""
    return folder.resolve()


def _beside(place: Path, ending: str) -> Path:
    return place.with_name(f".{place.name}.{os.getpid()}.{ending}")


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Names in a folder are on disk only when the folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
