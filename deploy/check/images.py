"""The Dockerfile and docker-compose.yml, as far as they can be looked at without docker."""

from deploy.check import policies
from deploy.check.running import ROOT, Finding, output_of
from deploy.check.tools import COMPOSE, find, of_environment

DOCKERFILE = ROOT / "Dockerfile"
COMPOSE_FILE = ROOT / "docker-compose.yml"


def check_dockerfile() -> str:
    _must_exist(DOCKERFILE.name)
    output_of([of_environment("hadolint"), DOCKERFILE])
    policies.checkov("dockerfile", DOCKERFILE, policies.skipped("Dockerfile"))
    return "hadolint and checkov find nothing in the Dockerfile"


def check_compose() -> str:
    """With every profile, so that no service is left out."""
    _must_exist(COMPOSE_FILE.name)
    compose = find(COMPOSE)
    services = output_of([*compose, "--file", COMPOSE_FILE, "--profile", "*", "config", "--services"]).split()
    output_of([*compose, "--file", COMPOSE_FILE, "--profile", "*", "config", "--quiet"])
    return f"docker-compose.yml has {len(services)} services: {', '.join(sorted(services))}"


def _must_exist(name: str) -> None:
    if not (ROOT / name).exists():
        raise Finding(f"there is no {name}")
