"""Makes the README's pictures from a mesh with the sample shop: `.venv/bin/python docs/images/make.py [CHROMIUM]`.

The report's picture needs Chromium, or Chrome, and has the fonts of the machine.
"""

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from rich.console import Console

from modalmesh.cli.lifecycle import mesh_document
from modalmesh.cli.status_view import status_view
from modalmesh.client import Client
from modalmesh.local.demo import run_demo
from modalmesh.local.mesh import MeshState, start_mesh, stop_mesh

IMAGES = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
STATUS_COLUMNS = 116
REPORT_SIZE = (1280, 1150)
"""As wide as a desk's screen, and high enough for the three customers at a glance."""


def main(browser: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home, report = Path(folder, "home"), Path(folder, "report.html")
        state = start_mesh(home, port=50050, redis_url="")
        try:
            run_demo(None, report, home)
            (IMAGES / "status.svg").write_text(status_svg(state), "utf-8")
        finally:
            stop_mesh(home)
        photograph(browser, report, IMAGES / "report.png")


def status_svg(state: MeshState) -> str:
    """What `modalmesh status` prints, but for the folder, which says nothing to others."""
    with Client(state.address) as client:
        view = status_view(state.address, {**mesh_document(state), "home": "~/.modalmesh"}, client.status(), "")
    console = Console(record=True, width=STATUS_COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(view)
    svg = console.export_svg(title="modalmesh status", unique_id="status")
    # Nothing is fetched by those who look at it: their own monospaced font will do.
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def photograph(browser: str, page: Path, picture: Path) -> None:
    """The top of a page, as wide and light as on a desk."""
    width, height = REPORT_SIZE
    options = ["--headless", "--hide-scrollbars", "--force-device-scale-factor=1", f"--window-size={width},{height}"]
    # As root, Chromium refuses its own sandbox; the page is ours and has no script.
    options += ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [browser, *options, f"--screenshot={picture}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own command
    # Flat drawings lose hardly anything by a palette of their own, and three quarters of their bytes.
    image = Image.open(picture).convert("RGB")
    image.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=8).save(picture, optimize=True)


if __name__ == "__main__":
    found = sys.argv[1] if len(sys.argv) > 1 else next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        sys.exit(f"no browser: none of {', '.join(BROWSERS)} is installed, and none was named")
    main(found)
