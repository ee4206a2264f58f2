"""One Redis or Valkey server: connections that come back by themselves, pipelines, durability."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import hiredis
from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, NoScriptError, RedisError, ResponseError  # noqa: A004 - redis names it so

from modalmesh.errors import Unavailable
from modalmesh_gateway.store.failures import FORBIDDEN, PART, redis_failures
from modalmesh_gateway.store.keys import FENCE
from modalmesh_gateway.store.metrics import ServerMetrics
from modalmesh_gateway.store.scripts import SCRIPTS, Command
from modalmesh_services.common.observability import tracing

# What the server does at once: few enough that it answers others, and us, in time.
_PIPELINE_COMMANDS = 256
_PIPELINE_BYTES = 2 * 1024 * 1024
_CONNECTIONS = 32
# A server that syncs once a second has synced after at most two.
_SYNC_SECONDS = 2.5


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What was found out about the server when the connection was made.

    `durability` says when an acknowledged write is on disk: at once (fsync-always), because we wait for it (waitaof),
    or later or never (fsync-everysec, fsync-no, none, unknown).
    """

    version: str
    durability: str
    is_cluster: bool
    used_memory_bytes: int

    @property
    def is_durable(self) -> bool:
        return self.durability in ("fsync-always", "waitaof")


class _FastConnection(Connection):
    """Packs commands by hiredis: redis-py's asyncio does it in Python, the largest cost of a bulk write."""

    def pack_command(self, *args: Any) -> list[bytes]:
        name, *arguments = args
        return [hiredis.pack_command((*name.split(), *arguments))]


class _FastSecureConnection(_FastConnection, SSLConnection):
    """Over TLS (rediss://). Files that were replaced are taken up whenever it connects: redis-py would keep the old."""

    async def _connect(self) -> None:
        self.ssl_context.context = None
        await super()._connect()  # type: ignore[no-untyped-call]  # redis-py leaves it out


class Server:
    """Sends commands. All failures of the server are Unavailable.

    `timeout_seconds` bounds the wait for one answer; connecting may take half of it.
    """

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._clients: dict[float, Redis] = {}
        self._facts: ServerFacts | None = None
        self.metrics = ServerMetrics()
        self._client(0.0)

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def run(
        self, commands: Sequence[Command], *, patience_seconds: float = 0.0, at_once: bool = False
    ) -> list[Any]:
        """One answer a command, in order, in as few round trips as their size allows. Not durable: see `write`.

        `at_once` executes a round trip's commands together. A server that syncs always otherwise does so after each
        few kilobytes that it reads from its socket. (Measured: 512 items of 8 KB in two thirds of the time, in a
        quarter on a busy machine.) A cluster can't do it across slots, and goes on one by one.

        Raises:
            Unavailable: the server can't be reached, or refuses; some of the commands may have been done.
        """
        at_once = at_once and not (await self.known_facts()).is_cluster
        answers: list[Any] = []
        with redis_failures():
            for chunk in _chunks(commands):
                answers.extend(await self._pipeline(chunk, patience_seconds, at_once))
        return answers

    async def write(self, commands: Sequence[Command]) -> list[Any]:
        """As `run`; when it returns, what was written is as safe as the server can make it."""
        if not commands:
            return []
        answers = await self.run(commands, at_once=True)
        if (await self.known_facts()).durability == "waitaof":
            await self._wait_for_disk()
        return answers

    async def _wait_for_disk(self) -> None:
        """Write one key more and wait for it: once it is on disk, so is all that came before, on any connection."""
        wait = ("WAITAOF", 1, 0, int(_SYNC_SECONDS * 1000))
        _, (synced, _) = await self.run([("SET", FENCE, ""), wait], patience_seconds=_SYNC_SECONDS)
        if synced < 1:
            raise Unavailable(PART, "Redis took the write but hasn't confirmed that it is on disk")

    async def known_facts(self) -> ServerFacts:
        """What was found out since the last connection was made."""
        return self._facts or await self.facts()

    async def facts(self) -> ServerFacts:
        """Find out now."""
        # In one word: redis-py's own reading of COMMAND fails where the server has no such command.
        info, wait_aof = await self.run([("INFO",), ("COMMAND INFO", "WAITAOF")])
        self._facts = ServerFacts(
            version=_version(info),
            durability=_durability(await self._aof_settings(), any(wait_aof)),
            is_cluster=bool(info.get("cluster_enabled")),
            used_memory_bytes=int(info.get("used_memory", 0)),
        )
        return self._facts

    async def _aof_settings(self) -> dict[str, str]:
        """The server's append-only settings; empty where we may not ask for them."""
        try:
            (settings,) = await self.run([("CONFIG GET", "append*")])
        except ResponseError:
            return {}
        except Unavailable as error:
            if error.reason != FORBIDDEN:
                raise
            return {}
        return {str(name): str(value) for name, value in settings.items()}

    async def _pipeline(self, commands: Sequence[Command], patience_seconds: float, at_once: bool) -> list[Any]:
        answers = await self._send(commands, patience_seconds, at_once)
        forgotten = [position for position, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if forgotten:
            # The server has restarted, or never saw our scripts.
            await self._send([("SCRIPT LOAD", script.source) for script in SCRIPTS], patience_seconds, at_once)
            again = await self._send([commands[position] for position in forgotten], patience_seconds, at_once)
            for position, answer in zip(forgotten, again, strict=True):
                answers[position] = answer
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise answer
        return answers

    async def _send(self, commands: Sequence[Command], patience_seconds: float, at_once: bool) -> list[Any]:
        with self._round_trip(commands, patience_seconds):
            async with self._client(patience_seconds).pipeline(transaction=at_once) as pipeline:
                for command in commands:
                    pipeline.execute_command(*command)
                answers: list[Any] = await pipeline.execute(raise_on_error=False)
        return answers

    @contextmanager
    def _round_trip(self, commands: Sequence[Command], patience_seconds: float) -> Iterator[None]:
        """Count one, and show it in the trace of the call that it is made for."""
        begun = time.monotonic()
        try:
            with tracing.store(commands, self._timeout_seconds + patience_seconds):
                yield
        except (RedisError, OSError):
            self.metrics.up = False
            self.metrics.failures += 1
            raise
        self.metrics.up = True
        if not patience_seconds:
            self.metrics.seconds.add(time.monotonic() - begun)

    def _client(self, patience_seconds: float) -> Redis:
        """A client whose commands may block for `patience_seconds` beyond the usual wait."""
        client = self._clients.get(patience_seconds)
        if client is None:
            pool = BlockingConnectionPool.from_url(
                self._url,
                connection_class=_FastConnection,
                max_connections=_CONNECTIONS,
                timeout=self._timeout_seconds + patience_seconds,
                socket_timeout=self._timeout_seconds + patience_seconds,
                socket_connect_timeout=self._timeout_seconds / 2,
                # Once more for a connection that the server closed while we looked away; never after a time-out.
                retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),
                protocol=2,
                redis_connect_func=self._connected,
            )
            if pool.connection_class is SSLConnection:
                # redis-py takes this one whatever it is told.
                pool.connection_class = _FastSecureConnection
            client = self._clients[patience_seconds] = Redis.from_pool(pool)
        return client

    async def _connected(self, connection: Connection) -> None:
        """Behind a new connection may be another server, or the same with other settings."""
        self._facts = None
        await connection.on_connect()


def _chunks(commands: Sequence[Command]) -> Iterator[Sequence[Command]]:
    start, size = 0, 0
    for position, command in enumerate(commands):
        cost = sum(len(argument) for argument in command if isinstance(argument, str | bytes))
        if position > start and (size + cost > _PIPELINE_BYTES or position - start >= _PIPELINE_COMMANDS):
            yield commands[start:position]
            start, size = position, 0
        size += cost
    if start < len(commands):
        yield commands[start:]


def _version(info: dict[str, Any]) -> str:
    if "valkey_version" in info:
        return f"valkey {info['valkey_version']}"
    return f"redis {info.get('redis_version', 'unknown')}"


def _durability(settings: dict[str, str], has_wait_aof: bool) -> str:
    if not settings:
        return "unknown"
    if settings.get("appendonly") != "yes":
        return "none"
    fsync = settings.get("appendfsync", "unknown")
    return "waitaof" if fsync == "everysec" and has_wait_aof else f"fsync-{fsync}"
