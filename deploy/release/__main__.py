"""`python -m deploy.release`: builds, installs and tries what would be released; one line a check. Needs an index."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from deploy.release.building import ROOT, Environment, build, export, project, rebuild, run, sdist_names, wheel_contents

_LIGHT = """
import importlib.util, sys
import modalmesh
modalmesh.Client("127.0.0.1:1").close()
from modalmesh import AsyncClient, Event, Item, Tls
heavy = ("torch", "torchvision", "transformers", "openvino", "redis", "scipy", "pydantic", "grpc_health")
sys.exit(" ".join(name for name in heavy if importlib.util.find_spec(name)) or 0)
"""
_EXTRAS = "import importlib.metadata as m; print(*m.metadata('modalmesh').get_all('Provides-Extra'))"


class Wrong(Exception):
    """A check found something; says what."""


def expect(holds: bool, otherwise: str) -> None:
    """Raises:
    Wrong: it doesn't hold.
    """
    if not holds:
        raise Wrong(otherwise)


def contract(source: Path, version: str) -> str:
    kept = source / f"protos/released/modalmesh-{version}.binpb"
    expect(kept.exists(), f"{kept.name} is missing: `make contract`")
    built = source / "contract.binpb"
    buf = Path(sys.executable).with_name("buf")
    run(buf, "build", "--as-file-descriptor-set", "--exclude-source-info", "-o", built, cwd=source)
    expect(built.read_bytes() == kept.read_bytes(), f"{kept.name} isn't what the protos say: `make contract`")
    built.unlink()
    return f"the contract is kept as {kept.name}"


def sdist_is_what_is_committed(source: Path, sdist: Path) -> str:
    committed = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()}
    strange = sdist_names(sdist) - committed - {"PKG-INFO"}
    expect(not strange, f"{sdist.name} has what isn't committed: {sorted(strange)[:5]}")
    return f"{sdist.name} has {len(sdist_names(sdist))} files, all of them committed"


def sdist_rebuilds(sdist: Path, wheel: Path, work: Path) -> str:
    first, again = wheel_contents(wheel), wheel_contents(rebuild(sdist, work))
    different = sorted(name for name in first.keys() | again.keys() if first.get(name) != again.get(name))
    expect(not different, f"a wheel made of the sdist differs: {different[:5]}")
    return f"pip makes of it the same wheel, {len(first)} files of {wheel.stat().st_size // 1000} KB"


def light_client(wheel: Path, version: str, work: Path) -> str:
    environment = Environment(work / "light")
    environment.install(wheel)
    environment.program("python", "-c", _LIGHT)
    expect(version in environment.program("modalmesh", "--version").stdout, "modalmesh --version says another")
    environment.program("modalmesh", "--help")
    for words, wanted in (
        (("recommend", "ada", "--address", "127.0.0.1:1"), "CONNECTION_FAILED"),
        (("up",), "pip install 'modalmesh[local]'"),
    ):
        said = _fails(environment, "modalmesh", *words)
        expect(wanted in said and "Traceback" not in said, f"modalmesh {' '.join(words)} says {said!r}")
    listed = environment.program("python", "-m", "pip", "list", "--format", "freeze").stdout.split()
    return f"the wheel alone gives the client and the command line: {len(listed) - 1} packages, no torch, no redis"


def extras(wheel: Path, source: Path, work: Path) -> str:
    """That each brings what its program imports is tested every day, by tests/unit/release."""
    environment = Environment(work / "gateway")
    environment.install(f"{wheel}[gateway]")
    environment.program("python", "-m", "modalmesh_gateway", "--help")
    expect("ModuleNotFoundError" in _fails(environment, "python", "-c", "import torch"), "the gateway brings torch")
    told = set(environment.program("python", "-c", _EXTRAS).stdout.split())
    wanted = set(project(source)["project"]["optional-dependencies"])
    expect(told == wanted, f"the wheel names the extras {sorted(told)}, pyproject.toml {sorted(wanted)}")
    return f"it names {len(wanted)} extras, and modalmesh[gateway] gives a gateway, without torch"


def keep(sdist: Path, wheel: Path) -> str:
    target = ROOT / "dist"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for file in (sdist, wheel):
        shutil.copy(file, target)
    return f"what was checked is in {target.name}/"


def _fails(environment: Environment, *words: str) -> str:
    """What a program says that ends badly."""
    try:
        environment.program(*words)
    except subprocess.CalledProcessError as error:
        return str(error.stderr)
    raise Wrong(f"{' '.join(words)} did not fail")


def main() -> int:
    """0 where all holds, 1 at the first thing that doesn't."""
    with tempfile.TemporaryDirectory(prefix="modalmesh-release-") as folder:
        work = Path(folder)
        source = export(work / "source")
        version = project(source)["project"]["version"]
        try:
            for check in _checks(source, version, work):
                sys.stdout.write(f"ok    {check()}\n")
                sys.stdout.flush()
        except Wrong as wrong:
            sys.stdout.write(f"wrong {wrong}\n")
            return 1
        except subprocess.CalledProcessError as error:
            sys.stdout.write(f"wrong {' '.join(error.cmd)}\n{error.stdout}{error.stderr}")
            return 1
    if run("git", "status", "--porcelain", cwd=ROOT).stdout:
        sys.stdout.write("note  what isn't committed was not looked at\n")
    if f"## {version}" not in (ROOT / "CHANGELOG.md").read_text():
        sys.stdout.write(f"note  CHANGELOG.md has no section {version} yet\n")
    return 0


def _checks(source: Path, version: str, work: Path) -> Iterator[Callable[[], str]]:
    """In the order in which they are cheapest; each says what holds."""
    yield lambda: contract(source, version)
    sdist, wheel = build(source, work)
    yield lambda: sdist_is_what_is_committed(source, sdist)
    yield lambda: sdist_rebuilds(sdist, wheel, work)
    yield lambda: light_client(wheel, version, work)
    yield lambda: extras(wheel, source, work)
    yield lambda: keep(sdist, wheel)


if __name__ == "__main__":
    sys.exit(main())
