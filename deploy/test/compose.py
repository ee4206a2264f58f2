"""The mesh of docker-compose.yml, as a project of its own."""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from deploy.test.docker_host import Docker
from deploy.test.images import ROOT

_PROJECT = "modalmesh-deploy-test"
_HEALTHY_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Compose:
    docker: Docker
    variables: Mapping[str, str]
    files: tuple[str, ...] = ("docker-compose.yml",)

    def run(self, *arguments: str, quiet: bool = False) -> str:
        files = (part for file in self.files for part in ("--file", str(ROOT / file)))
        project = ("--project-name", _PROJECT, "--project-directory", str(ROOT), *files)
        return self.docker.run("compose", *project, *arguments, quiet=quiet, **self.variables)

    @contextmanager
    def up(self, *services: str) -> Iterator[None]:
        """All of these services are healthy when the block begins; nothing of them is left at its end."""
        started = time.monotonic()
        try:
            self.run("up", "--detach", "--no-build", "--quiet-pull", *services, quiet=True)
            # The rest is: the gateway waits for it.
            self.wait_healthy("gateway", 1)
            sys.stderr.write(f"the mesh is up after {time.monotonic() - started:.1f} s\n")
            yield
        except BaseException:
            sys.stderr.write(self.run("logs", "--no-color", "--tail", "40", quiet=True))
            raise
        finally:
            self.run("down", "--volumes", "--remove-orphans", "--timeout", "20", quiet=True)

    def scale(self, service: str, replicas: int) -> None:
        replicate = ("--no-recreate", "--scale", f"{service}={replicas}", service)
        self.run("up", "--detach", "--no-build", *replicate, quiet=True)
        self.wait_healthy(service, replicas)

    def restart(self, service: str) -> float:
        """Seconds until it is healthy again."""
        started = time.monotonic()
        self.run("restart", service, quiet=True)
        self.wait_healthy(service, 1)
        return time.monotonic() - started

    def wait_healthy(self, service: str, replicas: int) -> None:
        end = time.monotonic() + _HEALTHY_SECONDS
        while (found := self.health(service)) != ["healthy"] * replicas:
            if time.monotonic() > end:
                raise TimeoutError(f"{service} is {found} after {_HEALTHY_SECONDS:.0f} s")
            time.sleep(0.5)

    def health(self, service: str) -> list[str]:
        return [each["State"]["Health"]["Status"] for each in self.containers(service)]

    def addresses(self, service: str) -> list[str]:
        """Of each replica, within the host."""
        networks = [each["NetworkSettings"]["Networks"] for each in self.containers(service)]
        return [network["IPAddress"] for each in networks for network in each.values()]

    def containers(self, service: str) -> list[dict[str, Any]]:
        names = self.run("ps", "--quiet", service, quiet=True).split()
        found: list[dict[str, Any]] = json.loads(self.docker.run("inspect", *names, quiet=True)) if names else []
        return found
