"""manifest.json: what a bundle is, and the size and SHA-256 of all its other files."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from modalmesh.embeddings import ModelId
from modalmesh_services.fusion_ranker.bundle.contents import DECISIVE, FILES, Encoders, Learned
from modalmesh_services.fusion_ranker.bundle.failures import LATER_FORMAT, NOT_WHOLE, OUTSIDE, refused
from modalmesh_services.fusion_ranker.bundle.plain_json import from_json, to_json

MANIFEST = "manifest.json"
FORMAT = 1
"""Raised when files come to mean something else: older code then refuses them."""

_CHECKSUM = "checksum"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """`size` in bytes; `sha256` in hexadecimal digits."""

    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> Self:
        return cls(len(content), hashlib.sha256(content).hexdigest())


@dataclass(frozen=True, slots=True)
class Manifest:
    learned: Learned
    encoders: Encoders
    revision: str
    files: Mapping[str, FileEntry]

    @classmethod
    def of(cls, learned: Learned, encoders: Encoders, files: Mapping[str, bytes]) -> Self:
        entries = {name: FileEntry.of(content) for name, content in files.items()}
        return cls(learned, encoders, _revision(learned, encoders, entries), entries)

    def to_bytes(self) -> bytes:
        document = self._document()
        return to_json({**document, _CHECKSUM: hash_of(document)})

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Raises:
        InvalidInput: it is of a later format, was changed, or names files that are no bundle's.
        """
        document = from_json(content, MANIFEST, dict)
        known = document.get("format")
        if known != FORMAT or isinstance(known, bool):
            later = isinstance(known, int) and known > FORMAT
            why = f"is of format {known!r}, this release reads {FORMAT}"
            raise refused(MANIFEST, why, LATER_FORMAT if later else NOT_WHOLE)
        try:
            checksum = document.pop(_CHECKSUM)
            if checksum != hash_of(document) or to_json({**document, _CHECKSUM: checksum}) != content:
                raise refused(MANIFEST, "was changed after it was written: its checksum is another", NOT_WHOLE)
            manifest = cls._from_document(document)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            why = f"isn't what a manifest is ({type(error).__name__}: {error})"
            raise refused(MANIFEST, why, NOT_WHOLE) from error
        _check(manifest)
        return manifest

    def _document(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "system": self.learned.system,
            "version": self.learned.version,
            "configuration": dict(self.learned.configuration),
            "revision": self.revision,
            "made_for": _document_of(self.encoders),
            "data": self.learned.data,
            "files": {name: {"bytes": each.size, "sha256": each.sha256} for name, each in self.files.items()},
        }

    @classmethod
    def _from_document(cls, document: dict[str, Any]) -> Self:
        text, image = (document["made_for"][modality] for modality in ("text", "image"))
        return cls(
            Learned(
                _text(document["system"]),
                int(document["version"]),
                dict(document["configuration"]),
                _text(document["data"]),
            ),
            Encoders(_model(text), _model(image), int(text["dim"]), int(image["dim"])),
            _text(document["revision"]),
            {name: FileEntry(int(each["bytes"]), _text(each["sha256"])) for name, each in document["files"].items()},
        )


def _check(manifest: Manifest) -> None:
    for name in manifest.files:
        if not _PLAIN_NAME.fullmatch(name):
            raise refused(MANIFEST, f"names {name!r}, which is no plain name of a file in the bundle", OUTSIDE)
    if set(manifest.files) != set(FILES):
        names = ", ".join(sorted(set(manifest.files) ^ set(FILES)))
        raise refused(MANIFEST, f"lacks, or names beyond those of a bundle: {names}", NOT_WHOLE)
    if manifest.revision != _revision(manifest.learned, manifest.encoders, manifest.files):
        raise refused(MANIFEST, "has a revision that isn't that of its files", NOT_WHOLE)


def _revision(learned: Learned, encoders: Encoders, files: Mapping[str, FileEntry]) -> str:
    """32 hexadecimal digits of all that scores depend on; a report that is drawn anew changes none."""
    decisive = {name: files[name].sha256 for name in DECISIVE}
    return hash_of([FORMAT, learned.system, learned.version, _document_of(encoders), decisive])[:32]


def _document_of(encoders: Encoders) -> dict[str, Any]:
    models = {"text": (encoders.text, encoders.text_dim), "image": (encoders.image, encoders.image_dim)}
    return {
        modality: {"name": model.name, "fingerprint": model.fingerprint, "dim": dim}
        for modality, (model, dim) in models.items()
    }


def _model(document: Mapping[str, Any]) -> ModelId:
    return ModelId(_text(document["name"]), _text(document["fingerprint"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def hash_of(document: Any) -> str:
    """SHA-256 of a JSON document, in hexadecimal digits."""
    return hashlib.sha256(to_json(document)).hexdigest()
