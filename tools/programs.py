# SPDX-License-Identifier: AGPL-3.0-only
"""For tests: the programs that `make test` has built before, and a Redis."""

from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import redis

ROOT = Path(__file__).resolve().parent.parent


def built(name: str) -> Path:
    """Return a program of the build with sanitizers, or else of the plain one."""
    for preset in ("asan", "dev"):
        path = ROOT / "build" / preset / "ref" / name
        if path.exists():
            return path
    raise FileNotFoundError(f"{name}: first cmake --build --preset asan")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    client: redis.Redis


@dataclass(frozen=True, slots=True)
class Tool:
    """The tool, with this Redis for default."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "BRRR_URL": self.url}

    def run(
        self, *words: str, stdin: bytes = b"", status: int = 0
    ) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            [built("tool/brrr"), *words],
            input=stdin,
            capture_output=True,
            timeout=60,
            env=self.environment,
            check=False,
        )
        assert done.returncode == status, done  # noqa: S101
        if status:
            assert done.stderr.startswith(b"brrr: "), done  # noqa: S101
        return done

    def out(self, *words: str, stdin: bytes = b"") -> bytes:
        return self.run(*words, stdin=stdin).stdout

    def error(self, *words: str, status: int, stdin: bytes = b"") -> str:
        return self.run(*words, stdin=stdin, status=status).stderr.decode()
