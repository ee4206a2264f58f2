"""Channels, in plaintext or over TLS, sync and async alike. One over TLS goes on with replaced certificates."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

import grpc

from modalmesh.credentials import channel_credentials
from modalmesh.renewals import Renewals
from modalmesh.tls import Tls

_LOOK_SECONDS = 1.0
_LONGEST_CALL_SECONDS = 600.0

Option: TypeAlias = tuple[str, Any]


def open_channel(address: str, tls: Tls | None, options: Sequence[Option]) -> grpc.Channel:
    """Raises:
    InvalidInput: the files of `tls` can't be used.
    """
    if tls is None:
        return grpc.insecure_channel(address, options=options)
    secured = tls

    def connect() -> grpc.Channel:
        return grpc.secure_channel(address, channel_credentials(secured), options=_named(secured, options))

    return cast("grpc.Channel", _Renewed(tls, connect))


def open_aio_channel(address: str, tls: Tls | None, options: Sequence[Option]) -> grpc.aio.Channel:
    """Raises:
    InvalidInput: the files of `tls` can't be used.
    """
    if tls is None:
        return grpc.aio.insecure_channel(address, options=options)
    secured = tls

    def connect() -> grpc.aio.Channel:
        return grpc.aio.secure_channel(address, channel_credentials(secured), options=_named(secured, options))

    return cast("grpc.aio.Channel", _RenewedAio(tls, connect))


class _Renewed:
    """What a stub asks of a channel, by the channel that was opened with the newest certificates."""

    def __init__(self, tls: Tls, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._renewals = Renewals(tls)
        self._next_look = time.monotonic() + _LOOK_SECONDS
        self._channel = connect()

    def current(self) -> Any:
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + _LOOK_SECONDS
            if renewed := self._renewals.take(self._connect):
                old, self._channel = self._channel, renewed
                self._leave(old)
        return self._channel

    def unary_unary(self, *arguments: Any, **options: Any) -> Any:
        return _Method(self, "unary_unary", arguments, options)

    def unary_stream(self, *arguments: Any, **options: Any) -> Any:
        return _Method(self, "unary_stream", arguments, options)

    def stream_unary(self, *arguments: Any, **options: Any) -> Any:
        return _Method(self, "stream_unary", arguments, options)

    def stream_stream(self, *arguments: Any, **options: Any) -> Any:
        return _Method(self, "stream_stream", arguments, options)

    def close(self) -> Any:
        return self._channel.close()

    def _leave(self, old: Any) -> None:
        """A sync channel that nobody refers to any more finishes what is under way."""


class _RenewedAio(_Renewed):
    def __init__(self, tls: Tls, connect: Callable[[], Any]) -> None:
        super().__init__(tls, connect)
        self._leaving: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for task in tuple(self._leaving):
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        await self._channel.close()

    def _leave(self, old: Any) -> None:
        task = asyncio.get_running_loop().create_task(old.close(_LONGEST_CALL_SECONDS))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


class _Method:
    """A method of a stub; each call goes by the current channel."""

    def __init__(self, owner: _Renewed, kind: str, arguments: Any, options: Any) -> None:
        self._owner, self._kind, self._arguments, self._options = owner, kind, arguments, options
        self._channel: Any = None
        self._method: Any = None

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._current()(*arguments, **options)

    def future(self, *arguments: Any, **options: Any) -> Any:
        """Of a sync channel."""
        return self._current().future(*arguments, **options)

    def _current(self) -> Any:
        channel = self._owner.current()
        if channel is not self._channel:
            self._method = getattr(channel, self._kind)(*self._arguments, **self._options)
            self._channel = channel
        return self._method


def _named(tls: Tls, options: Sequence[Option]) -> list[Option]:
    name = [("grpc.ssl_target_name_override", tls.server_name)] if tls.server_name else []
    return [*options, *name]
