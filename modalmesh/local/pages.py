"""Templates of a package as pages, and pages as files that are never seen half written."""

import os
import tempfile
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined


def templates(package: str) -> Environment:
    """Of the `*.jinja` files beside a package's modules; what is filled in is escaped, and must be there."""
    return Environment(
        loader=PackageLoader(package, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def write_page(page: str, path: Path) -> None:
    """Whoever reads the file sees the old page or the new one, never half of one.

    Raises:
        OSError: it can't be written there.
    """
    with draft(path, delete=False) as file:
        file.write(page)
    # A temporary file is private; a page is to be shown.
    Path(file.name).chmod(0o644)
    os.replace(file.name, path)


def draft(path: Path, *, delete: bool) -> "tempfile._TemporaryFileWrapper[str]":
    """A temporary file beside `path`, whose folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=delete)
