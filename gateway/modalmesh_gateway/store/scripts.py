"""The Lua scripts: each accepted write is one of them, in one slot."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TypeAlias

Argument: TypeAlias = str | bytes | int | float
Command: TypeAlias = tuple[Argument, ...]
"""A Redis command as it is sent, such as ("HGETALL", key)."""


@dataclass(frozen=True, slots=True)
class Script:
    source: bytes
    sha: str

    @classmethod
    def load(cls, name: str) -> "Script":
        source = files("modalmesh_gateway.store").joinpath("lua", f"{name}.lua").read_bytes()
        # Redis names a script by its SHA-1; nothing is secured by it.
        return cls(source, hashlib.sha1(source, usedforsecurity=False).hexdigest())

    def call(self, keys: Sequence[str], arguments: Sequence[Argument]) -> Command:
        return ("EVALSHA", self.sha, len(keys), *keys, *arguments)


WRITE_ITEM = Script.load("write_item")
PUT_FUSED = Script.load("put_fused")
DROP_FUSED = Script.load("drop_fused")
DELETE_ITEM = Script.load("delete_item")
RECORD_EVENTS = Script.load("record_events")
READ_CACHE = Script.load("read_cache")

SCRIPTS = (WRITE_ITEM, PUT_FUSED, DROP_FUSED, DELETE_ITEM, RECORD_EVENTS, READ_CACHE)
