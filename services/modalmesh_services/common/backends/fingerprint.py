"""Fingerprints: the name of a vector space, equal on every machine, device and precision."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def of_file(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_files(paths: Iterable[Path], settings: Mapping[str, Any], of_content: Callable[[Path], str] = of_file) -> str:
    """Hash files by name and content, and what else decides the vectors. 32 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.name):
        digest.update(f"{path.name}\0{of_content(path)}\n".encode())
    return _finish(digest, settings)


def of_tensors(tensors: Mapping[str, "torch.Tensor"], settings: Mapping[str, Any]) -> str:
    """Hash weights as they were loaded, by name, dtype, shape and content. 32 hexadecimal digits."""
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\n".encode())
        # As bytes, because numpy has no bfloat16.
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return _finish(digest, settings)


def _finish(digest: "hashlib._Hash", settings: Mapping[str, Any]) -> str:
    digest.update(json.dumps(settings, sort_keys=True).encode())
    return digest.hexdigest()[:32]
