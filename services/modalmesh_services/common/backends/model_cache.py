"""Converted models on disk, so that a restart neither converts again nor imports torch.

An entry is a folder that is written aside and then renamed, and that says of each of its files what it must contain. So
whatever is broken, foreign or half there is as good as absent: the model is converted again, which is only slower.
"""

import hashlib
import json
import logging
import os
import shutil
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modalmesh_services.common.backends.folder_lock import FolderLock, remove_unless_held

logger = logging.getLogger(__name__)

# Counts changes of the code that make earlier entries wrong.
_VERSION = 2
_ABOUT = "about.json"
_BLOCK_BYTES = 1024 * 1024
# Entries that are kept, and what they may take of the disk. Those that were used last stay.
_KEPT = 16
_KEPT_BYTES = 4 * 1024**3
# What this process uses of a cache, as long as it lives: no other process drops that.
_in_use: defaultdict[Path, FolderLock] = defaultdict(FolderLock)


def default_folder() -> Path:
    """Shared by all meshes of a user: an entry's name says all that it depends on."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "modalmesh" / "models"


@dataclass(frozen=True, slots=True)
class Entry:
    """A converted model's folder, and what was found out when it was made."""

    folder: Path
    about: Mapping[str, Any]


class ModelCache:
    def __init__(self, folder: Path, most_bytes: int = _KEPT_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes

    def find(self, key: Mapping[str, Any]) -> Entry | None:
        """The entry, if all of it is as it was written. It is in use from now on, and what was so before no more."""
        folder = self._entry(key)
        try:
            _in_use[self._folder].hold(folder)
            content = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
            if content["key"] != key or content["files"] != _checks(folder):
                raise ValueError("its files are not those that were written")
            os.utime(folder)
            return Entry(folder, content["about"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("%s is broken and not used: %s", folder, error)
            return None

    def put(self, key: Mapping[str, Any], about: Mapping[str, Any], write: Callable[[Path], None]) -> None:
        """Let `write` fill a folder, and keep it. That it can't be kept is only logged."""
        folder = self._entry(key)
        aside: Path | None = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            aside = Path(tempfile.mkdtemp(prefix="writing-", dir=self._folder))
            _in_use[self._folder].hold(aside)
            write(aside)
            content = {"key": key, "about": about, "files": _checks(aside)}
            (aside / _ABOUT).write_text(json.dumps(content), encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)
            aside.rename(folder)
            # Another process may drop at the same time.
            with suppress(FileNotFoundError):
                self._drop_oldest()
        except (OSError, RuntimeError) as error:
            # OpenVINO's own writer raises RuntimeError.
            logger.warning("the converted model isn't kept, the next start takes as long: %s", error)
        finally:
            if aside is not None:
                shutil.rmtree(aside, ignore_errors=True)

    def _entry(self, key: Mapping[str, Any]) -> Path:
        text = json.dumps({"version": _VERSION, **key}, sort_keys=True)
        return self._folder / hashlib.sha256(text.encode()).hexdigest()[:32]

    def _drop_oldest(self) -> None:
        """Until what is left is neither too many nor too large, or in use."""
        folders = (path for path in self._folder.iterdir() if path.is_dir())
        entries = sorted(folders, key=lambda folder: folder.stat().st_mtime)
        sizes = {entry: _size(entry) for entry in entries}
        for entry in entries:
            if len(sizes) <= _KEPT and sum(sizes.values()) <= self._most_bytes:
                break
            if remove_unless_held(entry):
                del sizes[entry]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def _checks(folder: Path) -> dict[str, int]:
    """By which files that broke are told. CRC-32 takes a tenth of SHA-256's time, and whoever could forge the one
    could write the other here as well.
    """
    return {path.name: _crc(path) for path in sorted(folder.iterdir()) if path.name != _ABOUT}


def _crc(path: Path) -> int:
    check = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            check = zlib.crc32(block, check)
    return check
