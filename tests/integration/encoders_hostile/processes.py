"""Real encoder processes with the packaged weights, watched from outside: what they log, and what memory they hold."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import psutil

from tests.integration.encoder_servers import OPTIONS

TEXT, IMAGE = "modalmesh_services.text_encoder", "modalmesh_services.image_encoder"


@dataclass(frozen=True, slots=True)
class EncoderProcess:
    channel: grpc.aio.Channel
    address: str
    pid: int
    log: Path

    @property
    def resident_mib(self) -> float:
        return float(psutil.Process(self.pid).memory_info().rss) / (1 << 20)

    def faults(self) -> list[str]:
        """What it logged that no input may make it log."""
        return [
            line
            for line in _read(self.log).splitlines()
            if re.search(r" (ERROR|CRITICAL) |Traceback|Fatal Python error", line)
        ]


def _read(log: Path) -> str:
    return log.read_text(errors="replace")


@asynccontextmanager
async def encoder_process(module: str, log: Path, *flags: str) -> AsyncIterator[EncoderProcess]:
    """An encoder that serves, with a channel to it. That it still runs at the end, and had no faults, is asserted."""
    process = _start(module, log, *flags)
    try:
        address = await _address(process, log)
        async with grpc.aio.insecure_channel(address, options=OPTIONS) as channel:
            encoder = EncoderProcess(channel, address, process.pid, log)
            yield encoder
        assert process.poll() is None, f"it ended with {process.returncode}: {_read(log)}"
        assert encoder.faults() == []
        process.terminate()
        assert await asyncio.to_thread(process.wait, 20) == 0
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)


def _start(module: str, log: Path, *flags: str) -> "subprocess.Popen[bytes]":
    with log.open("wb") as said:
        return subprocess.Popen(
            (sys.executable, "-m", module, "--port", "0", *flags),
            stderr=said,
            env={**os.environ, "PYTHONFAULTHANDLER": "1"},
        )


async def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    async with asyncio.timeout(60):
        while not (found := re.search(r"is serving on (\S+)", _read(log))):
            assert process.poll() is None, _read(log)
            await asyncio.sleep(0.05)
    return found[1]
