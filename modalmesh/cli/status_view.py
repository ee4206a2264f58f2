"""`modalmesh status` for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from modalmesh.cli.views import bar, plain_table
from modalmesh.types import CacheStatus, NamespaceStatus, ServiceStatus, Status, StoreStatus

_GOOD = frozenset(["serving", "running", "up"])
_COVERAGE_BAR = 10
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def status_view(where: str, mesh: Mapping[str, Any] | None, gateway: Status | None, error: str) -> RenderableType:
    """One panel. `mesh` is what a local supervisor knows, `gateway` what the gateway says; either may be missing."""
    parts: list[RenderableType] = [_services(where, mesh, gateway), *_exits(mesh)]
    if gateway:
        parts += [*_reasons(gateway.services), _models(gateway.services), _namespaces(gateway.namespaces)]
        parts.append(_facts(gateway.store, gateway.cache))
    if error:
        parts.append(Text(error, "red"))
    version = f" {gateway.version}" if gateway else ""
    home = f" · {mesh['home']}" if mesh else ""
    colour = "red" if error else ("green" if _all_well(gateway) else "yellow")
    title = Text.assemble(("modalmesh", "bold"), version, " · ", (where, "cyan"), home)
    return Panel(Group(*parts), title=title, title_align="left", border_style=colour, box=box.ROUNDED, padding=(1, 2))


def _all_well(gateway: Status | None) -> bool:
    return gateway is not None and gateway.store.durable and all(service.serving for service in gateway.services)


def _services(where: str, mesh: Mapping[str, Any] | None, gateway: Status | None) -> Table:
    """A row a service: the supervisor's view and the gateway's together, by name."""
    children: dict[str, Mapping[str, Any]] = {child["name"]: child for child in mesh["children"]} if mesh else {}
    told = {service.name: service for service in gateway.services} if gateway else {}
    columns = ["service", "state", "at"] + (["pid", "restarts"] if mesh else [])
    table = plain_table("Services", *columns, right=("pid", "restarts"), whole=("service", "state", "at"))
    for name in dict.fromkeys(["gateway", *told, *children]):
        service, child = told.get(name), children.get(name, {})
        state = _state(name, service, child, gateway)
        place = where if name == "gateway" else (service.address if service else child.get("address") or "")
        local: list[RenderableType] = [str(child.get("pid") or ""), _restarts(child)] if mesh else []
        table.add_row(Text(name, "bold"), state, Text(_short(place, where), "bright_black"), *local)
    return table


def _state(name: str, service: ServiceStatus | None, child: Mapping[str, Any], gateway: Status | None) -> Text:
    if service:
        good, word = service.serving, "serving" if service.serving else "not serving"
    elif name == "gateway":
        good, word = gateway is not None, "serving" if gateway else "not answering"
    else:
        word = str(child.get("state", "unknown")).lower()
        good = word in _GOOD
    return Text.assemble(("● ", "green" if good else "red"), word)


def _short(address: str, where: str) -> str:
    """Only the port where the host is the gateway's."""
    host = where.rpartition(":")[0]
    return address.removeprefix(host) if address.startswith(f"{host}:") else address


def _reasons(services: Sequence[ServiceStatus]) -> list[RenderableType]:
    """Why a service isn't serving, below the table."""
    down = [service for service in services if not service.serving and service.reason]
    return [Text(f"{service.name}: {service.reason}\n", "red") for service in down]


def _restarts(child: Mapping[str, Any]) -> Text:
    restarts = child.get("restarts") or 0
    return Text(str(restarts), "yellow" if restarts else "")


def _exits(mesh: Mapping[str, Any] | None) -> list[RenderableType]:
    """How children ended last, below the table: that may be as long as an error's message."""
    ended = [child for child in (mesh["children"] if mesh else ()) if child.get("last_exit")]
    lines = [f"{child['name']}'s last end: {child['last_exit']}\n" for child in ended]
    return [Text("".join(lines), "yellow")] if lines else []


def _models(services: Sequence[ServiceStatus]) -> RenderableType:
    """What each service runs, on lines of their own: names are long."""
    table = plain_table("Models", "service", "model", "dim", "build", right=("dim",), whole=("service",))
    for service in services:
        if service.model:
            model = service.model
            dim = f"{model.dim:,}" if model.dim else ""
            table.add_row(Text(service.name, "bold"), model.name, dim, Text(model.build, "bright_black"))
    return table if table.row_count else Text()


def _namespaces(namespaces: Sequence[NamespaceStatus]) -> RenderableType:
    if not namespaces:
        return Text("No catalogue yet: `modalmesh ingest DIR` brings one in\n", "yellow")
    table = plain_table(
        "Catalogues",
        *("namespace", "items", "with text", "with pictures", "pending", "events"),
        right=("items", "pending", "events"),
        whole=("with text", "with pictures"),
    )
    for namespace in namespaces:
        table.add_row(
            Text(namespace.namespace, "bold"),
            Text("loading", "yellow") if namespace.loading else f"{namespace.items:,}",
            _coverage(namespace.with_text, namespace.items),
            _coverage(namespace.with_image, namespace.items),
            Text(f"{namespace.pending:,}", "yellow" if namespace.pending else ""),
            f"{namespace.events:,}",
        )
    return table


def _coverage(part: int, whole: int) -> Text:
    share = part / whole if whole else 0.0
    return Text.assemble(bar(share, _COVERAGE_BAR), f" {share:4.0%}")


def _facts(store: StoreStatus, cache: CacheStatus) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    table.add_row("Store", _store(store))
    asked = cache.hits + cache.misses
    rate = f", {cache.hits / asked:.0%} hits" if asked else ""
    table.add_row("Cache", f"{cache.hits:,} hits, {cache.misses:,} misses{rate}")
    table.add_row(
        "Encoded", f"{cache.encoded_texts:,} texts, {cache.encoded_images:,} pictures since the gateway's start"
    )
    return table


def _store(store: StoreStatus) -> Text:
    if not store.reachable:
        return Text.assemble(("● ", "red"), "not reachable: answers come from the index, writes are refused")
    durable = "every accepted write is on disk" if store.durable else "an accepted write may be lost in a crash"
    return Text.assemble(
        ("● ", "green" if store.durable else "yellow"),
        f"{store.version}, {store.durability}: {durable}, {_bytes(store.used_memory_bytes)}",
    )


def _bytes(number: float) -> str:
    for unit in _UNITS[:-1]:
        if number < 1024:
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.1f} {_UNITS[-1]}"
