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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

# Counts changes of the code that make earlier entries wrong.
_VERSION = 1
_ABOUT = "about.json"
# Entries that are kept. Those that were used last stay.
_KEPT = 16


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
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, key: Mapping[str, Any]) -> Entry | None:
        """The entry, if all of it is as it was written."""
        folder = self._entry(key)
        try:
            content = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
            if content["key"] != key or content["files"] != _digests(folder):
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
            write(aside)
            content = {"key": key, "about": about, "files": _digests(aside)}
            (aside / _ABOUT).write_text(json.dumps(content), encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)
            aside.rename(folder)
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
        entries = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        for entry in entries[_KEPT:]:
            shutil.rmtree(entry, ignore_errors=True)


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.iterdir()):
        if path.name != _ABOUT:
            with path.open("rb") as file:
                found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found
