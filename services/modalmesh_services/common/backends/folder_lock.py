"""Tells other processes which folder this one uses, by the kernel's own locks: they end with the process."""

import fcntl
import os
import shutil
from pathlib import Path


class FolderLock:
    """Holds at most one folder. It keeps it under whatever name that gets."""

    def __init__(self) -> None:
        self._descriptor: int | None = None

    def hold(self, folder: Path) -> None:
        """Let go of what was held, and hold this one.

        Raises:
            OSError: it isn't there, or is being removed.
        """
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        if not _lock(descriptor, fcntl.LOCK_SH):
            os.close(descriptor)
            raise BlockingIOError(f"{folder} is being removed")
        self.release()
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def remove_unless_held(folder: Path) -> bool:
    """Whether it is gone."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return True
    try:
        free = _lock(descriptor, fcntl.LOCK_EX)
        if free:
            shutil.rmtree(folder, ignore_errors=True)
        return free
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int) -> bool:
    """Whether no other holds it against us. A file system without locks lets everybody do everything."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
