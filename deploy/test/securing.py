"""The mesh with passwords and mutual TLS, as deploy/compose/secrets.yml has it."""

import dataclasses
import secrets
import sys
from pathlib import Path

from deploy.test.compose import Compose
from deploy.test.images import SERVICES
from modalmesh.client import Client
from modalmesh.errors import Unavailable
from modalmesh.tls import Tls
from modalmesh.types import Item
from tests.certificates import Authority


def check_secured(compose: Compose, address: str, folder: Path) -> list[str]:
    """Parts reach each other by certificates and a password, and nobody without a certificate reaches the gateway."""
    authority = Authority.create(folder)
    write_secrets(authority)
    caller = authority.issue("caller", "caller")
    secured = dataclasses.replace(
        compose,
        files=("docker-compose.yml", "deploy/compose/secrets.yml"),
        variables={**compose.variables, "SECRETS": str(folder)},
    )
    with secured.up("gateway"):
        named = dataclasses.replace(caller, server_name="gateway")
        with Client(address, timeout=60.0, tls=named) as client:
            client.upsert_items([Item("lamp", title="A lamp of brass")])
            found = client.search_items(text="something to read by", k=1)
            serving = {service.name: service.serving for service in client.status().services}
        # It ends with 1 where the gateway doesn't answer.
        secured.run("run", "--rm", "mesh-tools", "status", "--address", "gateway:50050", "--json")
        strangers = {"in plaintext": None, "without a certificate": Tls(authority.ca_file, server_name="gateway")}
        let_in = [how for how, tls in strangers.items() if answers(address, tls)]
    wrong = [f"the secured gateway answers {how}" for how in let_in]
    if not all(serving.values()) or [item.item_id for item in found.items] != ["lamp"] or found.served.lacked:
        wrong.append(f"the secured mesh doesn't serve: {serving}, {found}")
    sys.stderr.write(f"with mutual TLS and a password: {serving}; strangers are let in: {let_in or 'none'}\n")
    return wrong


def write_secrets(authority: Authority) -> None:
    """Readable for the users of the containers, whose files they are."""
    folder, password = authority.folder, secrets.token_urlsafe(24)
    for name in (*SERVICES, "mesh-tools"):
        authority.issue(name, name, "localhost")
    (folder / "redis.conf").write_text(f"requirepass {password}\n")
    (folder / "redis_url").write_text(f"redis://:{password}@redis:6379/0\n")
    (folder / "grafana_password").write_text(f"{secrets.token_urlsafe(24)}\n")


def answers(address: str, tls: Tls | None) -> bool:
    try:
        with Client(address, timeout=5.0, tls=tls) as client:
            client.status()
    except Unavailable:
        return False
    return True
