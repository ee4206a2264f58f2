"""Which catalogues there are, and how many partitions each has."""

import json

from modalmesh_gateway.store.codec import dump_json
from modalmesh_gateway.store.keys import NAMESPACES, ItemSlot, UserSlot, partition_of
from modalmesh_gateway.store.records import Namespace
from modalmesh_gateway.store.server import Server


class Namespaces:
    """Every method that talks to the server raises Unavailable when it can't."""

    def __init__(self, server: Server, partitions: int) -> None:
        self._server = server
        self._partitions = partitions
        self._known: dict[str, Namespace] = {}

    async def ensure(self, name: str) -> Namespace:
        """The namespace, made on first use with our own partition count."""
        return self._known.get(name) or await self.refresh(name)

    async def refresh(self, name: str) -> Namespace:
        """As `ensure`, but asks the server: it may have been emptied, and another gateway may have begun anew."""
        known = self._known.get(name)
        wanted = dump_json({"partitions": known.partitions if known else self._partitions})
        commands = [("HSETNX", NAMESPACES, name, wanted), ("HGET", NAMESPACES, name)]
        _, stored = await self._server.write(commands)
        return self._keep(name, stored)

    async def get(self, name: str) -> Namespace | None:
        known = self._known.get(name)
        if known is not None:
            return known
        (stored,) = await self._server.run([("HGET", NAMESPACES, name)])
        return None if stored is None else self._keep(name, stored)

    async def all(self) -> list[Namespace]:
        """Sorted by name."""
        (stored,) = await self._server.run([("HGETALL", NAMESPACES)])
        return [self._keep(name.decode(), value) for name, value in sorted(stored.items())]

    async def item_slots(self, name: str) -> list[ItemSlot]:
        """In the order of partitions; none for a namespace that doesn't exist."""
        namespace = await self.get(name)
        return [ItemSlot.of(name, number) for number in range(namespace.partitions if namespace else 0)]

    async def user_slots(self, name: str) -> list[UserSlot]:
        namespace = await self.get(name)
        return [UserSlot.of(name, number) for number in range(namespace.partitions if namespace else 0)]

    def _keep(self, name: str, stored: bytes) -> Namespace:
        namespace = self._known[name] = Namespace(name, int(json.loads(stored)["partitions"]))
        return namespace


def item_slot(namespace: Namespace, item_id: str) -> ItemSlot:
    return ItemSlot.of(namespace.name, partition_of(item_id, namespace.partitions))


def user_slot(namespace: Namespace, user_id: str) -> UserSlot:
    return UserSlot.of(namespace.name, partition_of(user_id, namespace.partitions))
