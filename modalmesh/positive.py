"""Which events speak for their item: said once for whoever serves, learns and reports."""

from dataclasses import dataclass

from modalmesh.types import Event

POSITIVE_RATING = 3.5
_NOT_POSITIVE = frozenset({"dislike", "skip", "hide"})


@dataclass(frozen=True, slots=True)
class PositiveRule:
    """Ratings of `threshold` and more, and every type that isn't a refusal."""

    threshold: float = POSITIVE_RATING

    def __call__(self, event: Event) -> bool:
        if event.type == "rating":
            return event.value is not None and event.value >= self.threshold
        return event.type not in _NOT_POSITIVE
