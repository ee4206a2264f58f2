"""What the gateway knows of the other services: who serves, with which model. Knows no grpc."""

import asyncio
import logging
from collections.abc import Sequence

from modalmesh.errors import ModalmeshError, Overloaded, Unavailable
from modalmesh.types import Lack, ModelInfo, ServiceStatus
from modalmesh_gateway.ports import Part
from modalmesh_services.common.deadline import Deadline

logger = logging.getLogger(__name__)

PART_FAILURES = (Unavailable, Overloaded)
"""What another service may fail with while the answer goes on without it."""


def lack_of(part: str, error: ModalmeshError) -> Lack:
    return Lack(part, error.reason)


class PartMonitor:
    """Asks every part for its model again and again, so that a new model or a dead part is known within seconds."""

    def __init__(self, parts: Sequence[Part], *, pause_seconds: float = 1.0, wait_seconds: float = 1.0) -> None:
        self._parts = parts
        self._pause_seconds = pause_seconds
        self._wait_seconds = wait_seconds
        self._models: dict[str, ModelInfo] = {}
        self._problems: dict[str, str] = {part.name: "not asked yet" for part in parts}

    @property
    def names(self) -> list[str]:
        return [part.name for part in self._parts]

    def known(self, name: str) -> ModelInfo | None:
        """The model that a part served last; none before its first answer."""
        return self._models.get(name)

    def fingerprint(self, name: str) -> str:
        """The fingerprint that a part served last; empty before its first answer."""
        model = self.known(name)
        return model.fingerprint if model else ""

    def serving(self, name: str) -> bool:
        return not self._problems[name]

    def all_serving(self) -> frozenset[str]:
        return frozenset(part.name for part in self._parts if self.serving(part.name))

    def statuses(self) -> list[ServiceStatus]:
        return [
            ServiceStatus(
                part.name, part.address, self.serving(part.name), self._problems[part.name], self._models.get(part.name)
            )
            for part in self._parts
        ]

    async def model(self, part: Part, deadline: Deadline) -> ModelInfo:
        """The model that `part` served last, asked for now where it was never known.

        Raises:
            Unavailable: it never answered and doesn't now.
        """
        known = self._models.get(part.name)
        return known if known is not None else await self.refresh(part, deadline)

    async def refresh(self, part: Part, deadline: Deadline) -> ModelInfo:
        """Ask `part` for its model now."""
        try:
            model = await part.model(deadline)
        except ModalmeshError as error:
            if self.serving(part.name):
                logger.warning("%s is gone: %s", part.name, error.message)
            self._problems[part.name] = error.message
            raise
        previous = self._models.get(part.name)
        if previous is None or previous.fingerprint != model.fingerprint:
            logger.info("%s serves %s, fingerprint %s", part.name, model.name, model.fingerprint)
        self._models[part.name] = model
        self._problems[part.name] = ""
        return model

    async def refresh_all(self) -> None:
        """Ask every part at once; failures are kept as problems, not raised."""
        deadline = Deadline.after(self._wait_seconds)
        await asyncio.gather(*(self.refresh(part, deadline) for part in self._parts), return_exceptions=True)

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            await self.refresh_all()
            await asyncio.sleep(self._pause_seconds)
