"""What a demo runs on: the built-in shop, whose secrets are known, or a folder of the caller's."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modalmesh.data_folder import DataFolder
from modalmesh.local.shop import write_shop
from modalmesh.local.shop.catalogue import PRODUCTS, Product, products, words
from modalmesh.local.shop.customers import CUSTOMERS, Customer, TasteKind, customers
from modalmesh.types import Event

SHOP_NAMESPACE = "shop"
_NAME_LENGTH = 40


@dataclass(frozen=True, slots=True)
class ShopSize:
    """How large the built-in shop is drawn."""

    items: int = PRODUCTS
    users: int = CUSTOMERS


DEFAULT_SIZE = ShopSize()


@dataclass(frozen=True)
class Secrets:
    """The tastes that were hidden in the shop."""

    products: dict[str, Product]
    customers: dict[str, Customer]

    def note(self, user_id: str) -> str:
        """The user's taste in words."""
        person = self.customers[user_id]
        theme = words()["themes"][person.theme]["tags"][0] if person.theme else ""
        match person.kind:
            case "picture":
                return f"Drawn to {person.pattern}, which no text mentions."
            case "text":
                return f"Drawn to {theme}, which no picture shows."
            case "both":
                return f"Drawn to {person.pattern} in pictures and to {theme} in texts."

    def kind(self, user_id: str) -> TasteKind:
        return self.customers[user_id].kind

    def likes(self, user_id: str, item_id: str) -> bool:
        return item_id in self.products and self.customers[user_id].likes(self.products[item_id])

    def chance(self, user_id: str) -> float:
        """The share of all products that are to the user's taste."""
        return sum(self.likes(user_id, item_id) for item_id in self.products) / len(self.products)


@dataclass(frozen=True)
class DemoCatalogue:
    """A data folder, the namespace that it goes into, and what is known of it."""

    folder: DataFolder
    name: str
    namespace: str
    secrets: Secrets | None = None
    events: dict[str, list[Event]] = field(default_factory=dict)

    @property
    def users(self) -> Sequence[str]:
        """Users in the order in which the folder names them."""
        return list(self.events)

    @property
    def event_count(self) -> int:
        return sum(len(events) for events in self.events.values())


def built_in(home: Path, size: ShopSize, drawn: Callable[[int, int], None]) -> DemoCatalogue:
    """The shop, drawn into `home`/shop; drawing it again gives the same files. `drawn` is told how many are, of all.

    Raises:
        OSError: it can't be written there.
    """
    path = home / "shop"
    write_shop(path, items=size.items, users=size.users, drawn=drawn)
    goods = products(size.items)
    secrets = Secrets(
        {product.item_id: product for product in goods},
        {person.user_id: person for person in customers(goods, size.users)},
    )
    folder = DataFolder(path)
    return DemoCatalogue(folder, "the sample shop", SHOP_NAMESPACE, secrets, _events(folder))


def of_folder(path: Path) -> DemoCatalogue:
    """A data folder of the caller's, in a namespace of its own.

    Raises:
        NotFound: there is no data.
    """
    folder = DataFolder(path)
    resolved = path.resolve()
    return DemoCatalogue(folder, resolved.name or "data", namespace_of(resolved), None, _events(folder))


def namespace_of(path: Path) -> str:
    """The folder's name as a namespace, and a hash: two folders of one name are two catalogues."""
    name = re.sub(r"[^a-z0-9]+", "-", path.name.lower()).strip("-")[:_NAME_LENGTH]
    digest = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:6]
    return f"{name or 'data'}-{digest}"


def spread_users(catalogue: DemoCatalogue, count: int) -> list[str]:
    """`count` users spread evenly from the most active to the least, for all of them would take long."""
    activity = Counter({user: len(events) for user, events in catalogue.events.items()})
    ordered = [user for user, _ in activity.most_common()]
    step = max(1.0, len(ordered) / count)
    return [ordered[int(place * step)] for place in range(min(count, len(ordered)))]


def _events(folder: DataFolder) -> dict[str, list[Event]]:
    events: dict[str, list[Event]] = {}
    for entry in folder.events():
        if isinstance(entry, Event):
            events.setdefault(entry.user_id, []).append(entry)
    return events
