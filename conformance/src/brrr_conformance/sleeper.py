# SPDX-License-Identifier: AGPL-3.0-only
"""Whether a process sleeps, as Linux tells.

One that does, and has been given all that was sent to it, does nothing more by
itself, however slow the machine is: what it wrote before has only to be read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_STATE = re.compile(rb"\) (\S)")


@dataclass(slots=True)
class Sleeper:
    """Tells whether a process, with its children, sleeps; on Linux only."""

    folders: list[Path]

    @classmethod
    def of(cls, pid: int) -> Sleeper:
        return cls([Path(f"/proc/{each}/task") for each in _family(pid)])

    def sleeps(self) -> bool | None:
        """None where it cannot be told."""
        known = None
        for folder in self.folders:
            try:
                for thread in folder.iterdir():
                    state = _STATE.search((thread / "stat").read_bytes())
                    if state and state[1] in b"RDTt":
                        return False
                    known = True
            except OSError:  # it has ended, or this is another system
                continue
        return known


def _family(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        try:
            for file in Path(f"/proc/{each}/task").glob("*/children"):
                found += map(int, file.read_text().split())
        except OSError:
            continue
    return found
