# SPDX-License-Identifier: AGPL-3.0-only
"""An adapter that its user starts, under a debugger say: two FIFOs, and no hurry.

The runner makes the FIFOs, prints what to type, and waits until both are open.
To the rest of the runner it looks like a process of asyncio.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shlex
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brrr_conformance.config import AdapterConfig

# Between two looks whether somebody has opened the other end: no event tells.
LOOK_SECONDS = 0.1


class _Output(asyncio.StreamReaderProtocol):
    """Tells when the other end is closed."""

    def __init__(self, reader: asyncio.StreamReader, ended: asyncio.Event) -> None:
        super().__init__(reader)
        self._ended = ended

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._ended.set()


@dataclass(slots=True)
class Attached:
    folder: Path
    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    ended: asyncio.Event
    returncode: int | None = None
    # Nobody tells it.
    pid: int = 0
    _transports: list[asyncio.BaseTransport] = field(default_factory=list)

    async def wait(self) -> int:
        """Wait until it has closed its output; its status is its parent's to know."""
        await self.ended.wait()
        self.returncode = 0
        shutil.rmtree(self.folder, ignore_errors=True)
        return 0

    def leave(self) -> None:
        """Close both ends: the process lives on as long as its user likes."""
        for transport in self._transports:
            transport.close()
        self.ended.set()


async def attach(config: AdapterConfig, limit: int) -> Attached:
    """Say how to start the adapter, and wait for it."""
    folder = Path(tempfile.mkdtemp(prefix="brrr-attach-"))
    try:
        for name in ("in", "out"):
            os.mkfifo(folder / name)
        # Nothing is read before somebody has opened the other end to write.
        output = os.open(folder / "out", os.O_RDONLY | os.O_NONBLOCK)
        print(invitation(config, folder), file=sys.stderr, flush=True)
        return await _connect(folder, output, limit)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def invitation(config: AdapterConfig, folder: Path) -> str:
    """Say what to type in another terminal."""
    env = [f"{name}={value}" for name, value in config.env.items()]
    words = shlex.join([*(["env", *env] if env else []), *config.command])
    ends = f"< {folder}/in > {folder}/out"
    return (
        f"{config.name} is yours to start, in another terminal:\n"
        f"  cd {shlex.quote(str(config.folder))}\n"
        f"  {words} {ends}\n"
        f"or, if it is a program that gdb takes:\n"
        f"  gdb -ex 'run {ends}' --args {words}"
    )


async def _connect(folder: Path, output: int, limit: int) -> Attached:
    loop = asyncio.get_running_loop()
    while True:
        try:
            entry = os.open(folder / "in", os.O_WRONLY | os.O_NONBLOCK)
            break
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            await asyncio.sleep(LOOK_SECONDS)
    ended = asyncio.Event()
    reader = asyncio.StreamReader(limit=limit)
    incoming, _ = await loop.connect_read_pipe(
        lambda: _Output(reader, ended), os.fdopen(output, "rb", 0)
    )
    outgoing, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(entry, "wb", 0)
    )
    writer = asyncio.StreamWriter(outgoing, protocol, None, loop)
    made = Attached(folder, writer, reader, ended)
    made._transports += [incoming, outgoing]
    return made
