"""The pip settings of this machine, made to fit a build: in it there are no other files of this machine."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

_INDEXES = ("index-url", "extra-index-url", "proxy", "trusted-host")


@contextmanager
def pip_environment(folder: Path) -> Iterator[dict[str, str]]:
    """Variables of docker-compose.yml for the length of the block; files of them are in `folder`.

    Wheels in folders of this machine, where pip's settings name some, are served to builds, which run in the host's
    network.
    """
    settings = _settings()
    indexes = {name: _without_files(settings.get(name, "")) for name in _INDEXES}
    lines = ["[global]", *(f"{name} = {value}" for name, value in indexes.items() if value)]
    servers = [_serve(path) for path in settings.get("find-links", "").split() if Path(path).is_dir()]
    try:
        if servers:
            found = "\n  ".join(f"http://127.0.0.1:{server.server_port}/" for server in servers)
            lines.append(f"find-links = {found}")
        configuration = folder / "pip.conf"
        configuration.write_text("\n".join(lines) + "\n")
        environment = {"PIP_CONFIG_FILE": str(configuration), "BUILD_NETWORK": "host"}
        if certificates := settings.get("cert"):
            environment["CERTIFICATES_FILE"] = certificates
        if servers:
            # Torch's own index isn't asked where its wheel lies here.
            environment["TORCH_INDEX"] = ""
        yield environment
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def _settings() -> dict[str, str]:
    """By their names without what they are for; the environment's win, as in pip."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    pairs = [line.partition("=")[::2] for line in listed.splitlines()]
    ordered = sorted(pairs, key=lambda pair: pair[0].startswith(":env:"))
    return {
        name.rpartition(".")[2]: " ".join(shlex.split(value.encode().decode("unicode_escape")))
        for name, value in ordered
    }


def _without_files(values: str) -> str:
    return " ".join(value for value in values.split() if not value.startswith("file:"))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Builds name what they download themselves."""


def _serve(path: str) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=path))
    Thread(target=server.serve_forever, daemon=True).start()
    return server
