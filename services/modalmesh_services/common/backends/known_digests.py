"""Digests of large files, so that a start needn't read again what hasn't changed.

Whether a file is the one that was read is told as build tools and version control tell it: by its inode, size, and the
times of its content and of its inode, the last of which nobody can set back. In doubt it is read.
"""

import json
import logging
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from modalmesh_services.common.backends import fingerprint

logger = logging.getLogger(__name__)

# Reading what is smaller takes no time.
_LEAST_BYTES = 1024 * 1024
_MOST_FILES = 64
# A file that was written to at the moment it was read may be written to again within its clock's tick.
_SETTLED_NANOSECONDS = 2_000_000_000


class KnownDigests:
    """`file` holds what earlier starts found out; whatever is broken there is as good as absent."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def of(self, path: Path) -> str:
        """SHA-256 of a file's content, hexadecimal. Raises OSError: it can't be read."""
        name, before, now = str(path.resolve()), path.stat(), time.time_ns()
        if before.st_size < _LEAST_BYTES:
            return fingerprint.of_file(path)
        known = self._read()
        identity, digest = known.pop(name, ("", ""))
        if identity == _identity(before):
            return digest
        digest = fingerprint.of_file(path)
        settled = max(before.st_mtime_ns, before.st_ctime_ns) < now - _SETTLED_NANOSECONDS
        unchanged = _identity(path.stat()) == _identity(before)
        if settled and unchanged:
            self._write({**known, name: (_identity(before), digest)})
        return digest

    def _read(self) -> dict[str, tuple[str, str]]:
        try:
            known = json.loads(self._file.read_text(encoding="utf-8"))
            return {name: (str(identity), str(digest)) for name, (identity, digest) in known.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def _write(self, known: dict[str, tuple[str, str]]) -> None:
        """The newest of them. Of two processes that write at once one's are lost, and found out again."""
        newest = dict(list(known.items())[-_MOST_FILES:])
        aside = ""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            handle, aside = tempfile.mkstemp(prefix="writing-", dir=self._file.parent)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(newest, file)
            Path(aside).replace(self._file)
        except OSError as error:
            logger.debug("digests aren't kept, the next start reads the files again: %s", error)
            with suppress(OSError):
                Path(aside).unlink()


def _identity(found: os.stat_result) -> str:
    # Without the device, which is another one each time a container starts.
    return f"{found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"
