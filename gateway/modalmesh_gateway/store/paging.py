"""Page tokens: where the next page of a catalogue begins. Opaque to callers, and checked when they come back."""

import base64
import binascii
import json
from dataclasses import dataclass

from modalmesh.errors import InvalidInput
from modalmesh_gateway.store.codec import dump_json
from modalmesh_gateway.store.records import Namespace

_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class PageStart:
    """After `item_id` in `partition`; an empty id is before all others."""

    partition: int
    item_id: str


def make_token(namespace: Namespace, start: PageStart) -> str:
    content = dump_json([namespace.name, namespace.partitions, start.partition, start.item_id])
    return base64.urlsafe_b64encode(content.encode()).decode()


def read_token(namespace: Namespace, token: str) -> PageStart:
    """An empty token is the first page's.

    Raises:
        InvalidInput: not a token that `make_token` made for this namespace.
    """
    if not token:
        return PageStart(0, "")
    try:
        if len(token) > _LONGEST:
            raise ValueError("too long")
        name, partitions, partition, item_id = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
        is_ours = name == namespace.name and partitions == namespace.partitions and isinstance(item_id, str)
        if not is_ours or type(partition) is not int or not 0 <= partition < namespace.partitions:
            raise ValueError("of another namespace")
        item_id.encode()
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        message = "is not a token of a page of this namespace"
        raise InvalidInput("page_token", message, reason="INVALID_PAGE_TOKEN") from error
    return PageStart(partition, item_id)
