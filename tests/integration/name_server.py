"""A name server for one name, whose addresses change as a headless Service's do."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

_ADDRESS_RECORD = 1
_SECONDS_TO_LIVE = 0


class NameServer(asyncio.DatagramProtocol):
    """Answers every question for an IPv4 address with `addresses`, and any other with none."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.port = 0
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        question_end = data.index(b"\0", 12) + 5
        (kind,) = struct.unpack_from("!H", data, question_end - 4)
        found = self.addresses if kind == _ADDRESS_RECORD else []
        head = data[:2] + struct.pack("!5H", 0x8180, 1, len(found), 0, 0)
        # 0xC00C: the name is that of the question.
        records = [
            struct.pack("!3HIH", 0xC00C, kind, 1, _SECONDS_TO_LIVE, 4) + socket.inet_aton(address) for address in found
        ]
        self._transport.sendto(head + data[12:question_end] + b"".join(records), addr)

    def target(self, port: int) -> str:
        """What a channel is opened to: a name that only this server knows."""
        return f"dns://127.0.0.1:{self.port}/encoders.test:{port}"


@asynccontextmanager
async def name_server(*addresses: str) -> AsyncIterator[NameServer]:
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: NameServer(*addresses), local_addr=("127.0.0.1", 0)
    )
    try:
        yield server
    finally:
        transport.close()
