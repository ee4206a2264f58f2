"""Certificate files that are replaced on disk while a process uses them. Knows no grpc."""

import logging
from collections.abc import Callable
from typing import TypeVar

from modalmesh.errors import InvalidInput
from modalmesh.tls import Stamp, Tls

logger = logging.getLogger(__name__)

Made = TypeVar("Made")


class Renewals:
    """Sees when the files are replaced by others that can be used.

    Raises:
        InvalidInput: those that are there can't be.
    """

    def __init__(self, tls: Tls) -> None:
        tls.check()
        self._tls = tls
        self._stamp: Stamp = tls.stamp()

    def take(self, make: Callable[[], Made]) -> Made | None:
        """What is made of new files; none where there are none, or where they can't be used, which is logged once."""
        try:
            # Before they are read: what is replaced meanwhile is seen at the next look.
            stamp = self._tls.stamp()
            if stamp == self._stamp:
                return None
            self._stamp = stamp
            self._tls.check()
            made = make()
        except (OSError, InvalidInput) as error:
            logger.warning("certificate files were changed and can't be used, the old ones stay: %s", error)
            return None
        logger.info("certificate files were changed: taken up")
        return made
