# SPDX-License-Identifier: AGPL-3.0-only
"""The process of an adapter: how it is started, what it leaves behind, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from brrr_conformance.attached import Attached, attach
from brrr_conformance.framing import MAX_FRAME
from brrr_conformance.outcome import HarnessError

if TYPE_CHECKING:
    from brrr_conformance.config import AdapterConfig

STDERR_TAIL = 8192
FATE_SECONDS = 1.0  # from the end of its output to its own
PIPE_SIZE = 1 << 20  # a record of 16 MiB goes through it in pieces


@dataclass(slots=True)
class Launched:
    """A process that was started here; or one that its user has started."""

    process: asyncio.subprocess.Process | Attached
    stderr: IO[bytes]
    _log: str = ""

    @classmethod
    async def start(cls, config: AdapterConfig) -> Launched:
        """Start it; raise HarnessError where there is no such program."""
        if config.attached:
            return cls(await attach(config, MAX_FRAME), tempfile.TemporaryFile())
        stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        try:
            process = await asyncio.create_subprocess_exec(
                *config.command,
                cwd=config.folder,
                env=config.environment(),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                limit=MAX_FRAME,
                pipesize=PIPE_SIZE,
                start_new_session=True,
            )
        except OSError as error:
            stderr.close()
            program = config.command[0]
            raise HarnessError(
                f"{config.name}: cannot start {program}: {error.strerror}"
            ) from error
        return cls(process, stderr)

    async def end(self) -> int:
        """End it, if it has not ended; give the exit status."""
        self.kill()
        status = await self.process.wait()
        self._log = self.log()
        self.stderr.close()
        return status

    async def fate(self) -> str:
        """Say how it has ended; nothing if it goes on living."""
        try:
            status = await asyncio.wait_for(self.process.wait(), FATE_SECONDS)
        except TimeoutError:
            return ""
        if status < 0:
            return f"died of {signal.Signals(-status).name}"
        return f"exited with status {status}"

    def log(self) -> str:
        """Give the end of what the process wrote to standard error."""
        if self.stderr.closed:
            return self._log
        size = self.stderr.seek(0, os.SEEK_END)
        tail = os.pread(self.stderr.fileno(), STDERR_TAIL, max(0, size - STDERR_TAIL))
        return tail.decode(errors="backslashreplace")

    def kill(self) -> None:
        if isinstance(self.process, Attached):
            if self.process.returncode is None:
                self.process.leave()
            return
        # The whole session: an adapter may be a script around a program, and such
        # a program may live on when the script has ended.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
