"""The Dockerfiles and the files of Compose, as far as they can be looked at without docker."""

from deploy.check import policies
from deploy.check.running import ROOT, Finding, output_of
from deploy.check.tools import COMPOSE, find, of_environment

COMPOSE_FILE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "Dockerfile"


def check_dockerfile() -> str:
    """The product's by checkov and hadolint; those of tests, which nobody deploys, by hadolint."""
    _must_exist(DOCKERFILE.name)
    output_of([of_environment("hadolint"), DOCKERFILE])
    of_tests = sorted(ROOT.glob("deploy/**/Dockerfile"))
    for path in of_tests:
        # DL3008: tests take the versions that Debian has on the day.
        output_of([of_environment("hadolint"), "--ignore", "DL3008", path])
    policies.checkov("dockerfile", DOCKERFILE, policies.skipped("Dockerfile"))
    return f"hadolint finds nothing in {1 + len(of_tests)} Dockerfiles, nor checkov in that at the top"


def check_compose() -> str:
    """The file at the top, alone and with each of deploy/compose, in all profiles, so that no service is left out."""
    _must_exist(COMPOSE_FILE.name)
    compose = find(COMPOSE)
    together = [[COMPOSE_FILE], *([COMPOSE_FILE, path] for path in sorted(ROOT.glob("deploy/compose/*.yml")))]
    services: set[str] = set()
    for files in together:
        command = [*compose, *(word for file in files for word in ("--file", str(file))), "--profile", "*", "config"]
        output_of([*command, "--quiet"])
        services |= set(output_of([*command, "--services"]).split())
    return f"{len(together)} sets of files are right, with {len(services)} services: {', '.join(sorted(services))}"


def _must_exist(name: str) -> None:
    if not (ROOT / name).exists():
        raise Finding(f"there is no {name}")
