"""What may be changed of the default system's training."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

from modalmesh.errors import InvalidInput

_MOST = {"epochs": 1000, "networks": 50, "seed": 2**31 - 1}


@dataclass(frozen=True, slots=True)
class Settings:
    """`epochs` of each of so many `networks` of warm items, whose seeds count from `seed`."""

    epochs: int = 12
    networks: int = 3
    seed: int = 0

    @classmethod
    def changed(cls, changes: Mapping[str, object]) -> "Settings":
        """Raises:
        InvalidInput: a change names no setting, or its value is wrong; names it.
        """
        known = [each.name for each in fields(cls)]
        settings = cls()
        for name, value in changes.items():
            if name not in known:
                raise InvalidInput(name, f"is no setting of modalmesh: there are {', '.join(known)}")
            least = 0 if name == "seed" else 1
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST[name]:
                raise InvalidInput(name, f"is {value!r}, not a whole number from {least} to {_MOST[name]}")
            settings = replace(settings, **{name: value})
        return settings

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(self.seed, self.seed + self.networks))

    def document(self) -> dict[str, object]:
        return asdict(self)
