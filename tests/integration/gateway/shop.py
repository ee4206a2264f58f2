"""A small catalogue. By its words the red mug is closest to the blue one, by its looks to the red cup."""

from modalmesh.types import Event, Item, Picture

RED_MUG = Item("red-mug", "red mug for tea", pictures=[Picture(b"red stripes")])
BLUE_MUG = Item("blue-mug", "blue mug for tea", pictures=[Picture(b"blue dots")])
RED_CUP = Item("red-cup", "red coffee cup", pictures=[Picture(b"red stripes")])
LAMP = Item("lamp", "desk lamp", pictures=[Picture(b"shining steel")])
BULB = Item("bulb", "bulb of a desk lamp")
POSTER = Item("poster", pictures=[Picture(b"blue waves")])

SHOP = (RED_MUG, BLUE_MUG, RED_CUP, LAMP, BULB, POSTER)
START_MS = 1_700_000_000_000


def rating(user_id: str, item_id: str, value: float = 5.0, *, after_ms: int = 0, event_id: str = "") -> Event:
    return Event(user_id, item_id, START_MS + after_ms, "rating", value, event_id)


def event(user_id: str, item_id: str, kind: str) -> Event:
    return Event(user_id, item_id, START_MS, kind)
