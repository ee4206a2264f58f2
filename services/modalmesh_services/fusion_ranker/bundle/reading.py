"""A bundle from the disk, after everything about it was checked."""

import os
import stat
from pathlib import Path

from modalmesh.errors import InvalidInput, NotFound
from modalmesh_services.fusion_ranker.bundle.contents import METRICS, Bundle, parts_of
from modalmesh_services.fusion_ranker.bundle.failures import NO_BUNDLE, NOT_WHOLE, OUTSIDE, UNKNOWN_SYSTEM, refused
from modalmesh_services.fusion_ranker.bundle.manifest import MANIFEST, FileEntry, Manifest
from modalmesh_services.fusion_ranker.bundle.plain_json import from_json
from modalmesh_services.fusion_ranker.systems import kind_of

_MOST_MANIFEST_BYTES = 16 * 1024 * 1024


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle whose every byte is as it was written.

    Raises:
        NotFound: there is no bundle.
        InvalidInput: it is torn or was changed, is of a later format or an unknown system, or a file of it lies
            elsewhere. Names the bundle, the file, and why.
    """
    try:
        return _read(folder)
    except InvalidInput as error:
        raise InvalidInput(f"bundle {folder}", error.message, reason=error.reason) from error


def _read(folder: Path) -> Bundle:
    if not (folder / MANIFEST).exists():
        raise NotFound(f"bundle {folder}: there is no bundle (no {MANIFEST})", reason=NO_BUNDLE)
    manifest = Manifest.from_bytes(_content(folder / MANIFEST, _MOST_MANIFEST_BYTES))
    try:
        kind_of(manifest.learned.system)
    except InvalidInput as error:
        raise refused(MANIFEST, error.message, UNKNOWN_SYSTEM) from error
    files = {name: _checked(folder / name, entry) for name, entry in manifest.files.items()}
    metrics = from_json(files[METRICS], METRICS, dict)
    return Bundle(manifest.learned, manifest.encoders, manifest.revision, parts_of(files), metrics)


def _checked(path: Path, entry: FileEntry) -> bytes:
    # A byte more than there should be, so that a file that has grown shows.
    content = _content(path, entry.size + 1)
    if len(content) != entry.size:
        few = "fewer" if len(content) < entry.size else "more"
        raise refused(path.name, f"has {few} than the {entry.size} bytes that were written", NOT_WHOLE)
    if FileEntry.of(content) != entry:
        raise refused(path.name, "was changed after it was written: its SHA-256 is another", NOT_WHOLE)
    return content


def _content(path: Path, most: int) -> bytes:
    """At most so many bytes of a regular file. Read once, so that what is checked is what is used."""
    try:
        # A link would lead out of the bundle; a pipe would wait for its other end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise refused(path.name, "is missing", NOT_WHOLE) from error
    except OSError as error:
        if path.is_symlink():
            raise refused(path.name, "is a link to another place", OUTSIDE) from error
        raise
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise refused(path.name, "is no file", NOT_WHOLE)
        return file.read(most)
