"""RecordEvents: checked one by one, the good ones written. Knows no grpc and no protobuf."""

from collections.abc import Sequence
from dataclasses import replace

from modalmesh.errors import InvalidInput
from modalmesh.positive import PositiveRule
from modalmesh.types import Event, RecordSummary, Refusal
from modalmesh_gateway.content import event_id
from modalmesh_gateway.store import Store
from modalmesh_gateway.validation import check_event, valid_id
from modalmesh_gateway.views import NamespaceView


class Recording:
    """Events in."""

    def __init__(self, store: Store, positive: PositiveRule) -> None:
        self._store = store
        self._positive = positive

    async def record(self, view: NamespaceView, events: Sequence[Event]) -> RecordSummary:
        """Write the good events; what is counted as recorded is on disk.

        Raises:
            Unavailable: the store can't be reached; the same events may be sent again.
        """
        refused: list[Refusal] = []
        accepted: list[Event] = []
        unknown = await self._unknown_items(view, events)
        for position, event in enumerate(events):
            try:
                check_event(event)
                if event.item_id in unknown:
                    raise InvalidInput("item_id", f"there is no item {event.item_id!r}", reason="UNKNOWN_ITEM")
            except InvalidInput as error:
                field = f"events[{position}].{error.field}"
                refused.append(Refusal(valid_id(event.event_id), position, field, error.reason, error.detail))
                continue
            accepted.append(event if event.event_id else replace(event, event_id=event_id(event)))
        recorded = await self._store.histories.record(
            view.name, accepted, [self._positive(event) for event in accepted]
        )
        return RecordSummary(sum(recorded), len(recorded) - sum(recorded), refused)

    async def _unknown_items(self, view: NamespaceView, events: Sequence[Event]) -> set[str]:
        """Ids that neither the index nor the store knows; an item may be newer than the index."""
        absent = {event.item_id for event in events if event.item_id and event.item_id not in view.index}
        if not absent:
            return set()
        return absent - set(await self._store.catalogue.digests(view.name, list(absent)))
