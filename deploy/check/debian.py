"""Programs out of Debian's packages: fetched and unpacked, not installed, and without root."""

import shutil
from pathlib import Path

from deploy.check.running import Finding, output_of

# Of the one before, kubectl knows no components and docker-compose is another program.
_SUITE = "trixie"
_MIRROR = "http://deb.debian.org/debian"
_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def unpack(package: str, folder: Path) -> None:
    """The files of a package, under `folder`.

    Raises:
        Finding: it can't be had here.
    """
    for needed in ("apt-get", "dpkg"):
        if shutil.which(needed) is None:
            raise Finding(f"{package}: not on the PATH, and there is no {needed} here to unpack Debian's: install it")
    if not _KEYS.exists():
        raise Finding(f"{package}: not on the PATH, and Debian's needs {_KEYS}: install it or debian-archive-keyring")
    state = folder / "apt"
    options = _own_apt(state)
    if not any((state / "lists").glob("*Packages*")):
        output_of(["apt-get", *options, "--quiet", "update"])
    print(f"unpacking Debian's {package} into {folder}", flush=True)
    archives = state / "archives"
    for old in archives.glob("*.deb"):
        old.unlink()
    # `apt-get download` writes into the folder that it is called in.
    output_of(
        ["bash", "-c", 'cd "$1" && shift && apt-get "$@"', "-", archives, *options, "--quiet", "download", package]
    )
    for archive in archives.glob("*.deb"):
        output_of(["dpkg", "--extract", archive, folder])
        archive.unlink()


def _own_apt(state: Path) -> list[str]:
    """An apt with lists and sources of its own: the machine's stay as they are."""
    for part in ("lists/partial", "cache/archives/partial", "archives"):
        (state / part).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    sources = state / "sources.list"
    sources.write_text(f"deb [signed-by={_KEYS}] {_MIRROR} {_SUITE} main\n")
    settings = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache",
        # As root apt would fetch as a user who may not write here.
        "APT::Sandbox::User": "root",
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
