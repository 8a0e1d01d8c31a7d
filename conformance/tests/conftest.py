# SPDX-License-Identifier: AGPL-3.0-only
"""What the runner's own tests share: miniatures, spoiled SDKs, a real Redis."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

import brrr_conformance.cases
from brrr_conformance.server import private_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from brrr_conformance.server import Server

HERE = Path(__file__).resolve().parent
ADAPTERS = HERE.parents[1] / "adapters"

# The command, with cases of a test's own in place of the package's.
OWN_CASES = """
import pathlib
from brrr_conformance import cli, session
session.CASES = pathlib.Path({folder!r})
cli.main()
"""


async def gone(pid: int) -> None:
    """Wait until this process has ended."""
    process = Path("/proc", str(pid))
    async with asyncio.timeout(5):
        while process.exists() and " Z " not in (process / "stat").read_text():
            await asyncio.sleep(0.01)


class MakeAdapter(Protocol):
    def __call__(self, plan: dict[str, Any], **settings: object) -> Path:
        """Write an adapter's folder around a plan (miniatures/mini.py)."""


class OwnCases(Protocol):
    def __call__(self, cases: str, *words: str, adapter: Path = ...) -> list[str]:
        """Write cases; give the command that judges an adapter by them alone."""


class SpoilTiny(Protocol):
    def __call__(self, code: str) -> Path:
        """Write an adapter's folder: tiny, with some of its methods overridden."""


@pytest.fixture
def make_adapter(tmp_path: Path) -> MakeAdapter:
    def make(plan: dict[str, Any], **settings: object) -> Path:
        folder = tmp_path / "mini"
        script = HERE / "miniatures" / "mini.py"
        table = {
            "name": "mini",
            "language": "x",
            "command": [sys.executable, str(script)],
            "framing": "json",
            "timeout": 2.0,
            **settings,
        }
        write_toml(folder, table, {"env": {"PLAN": json.dumps(plan)}})
        return folder

    return make


@pytest.fixture
def own_cases(tmp_path: Path) -> OwnCases:
    def write(cases: str, *words: str, adapter: Path = ADAPTERS / "tiny") -> list[str]:
        folder = tmp_path / "cases"
        folder.mkdir(exist_ok=True)
        ini = Path(brrr_conformance.cases.__file__).with_name("pytest.ini")
        shutil.copy(ini, folder)
        (folder / "some.py").write_text(cases)
        code = OWN_CASES.format(folder=str(folder))
        return [sys.executable, "-c", code, "run", str(adapter), *words]

    return write


@pytest.fixture
def spoil_tiny(tmp_path: Path) -> SpoilTiny:
    def spoil(code: str) -> Path:
        folder = tmp_path / "spoiled"
        folder.mkdir()
        script = folder / "spoiled.py"
        script.write_text(
            f"import sys; sys.path.insert(0, {str(ADAPTERS / 'tiny')!r})\n"
            f"import asyncio, tiny, durable, adapter\n{code}\n"
            "asyncio.run(adapter.Adapter().run())\n"
        )
        table = {
            "name": "spoiled",
            "language": "Python",
            "command": [sys.executable, str(script)],
            "framing": "json",
            "profiles": ["wire", "client", "worker", "durable"],
        }
        write_toml(folder, table, {})
        return folder

    return spoil


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with private_server() as server:
        yield server


def write_toml(
    folder: Path, table: dict[str, Any], tables: dict[str, dict[str, str]]
) -> None:
    """Write an adapter.toml; JSON's texts, lists and numbers are TOML's too."""
    folder.mkdir(exist_ok=True)
    lines = [f"{name} = {json.dumps(value)}" for name, value in table.items()]
    for title, entries in tables.items():
        lines.append(f"[{title}]")
        lines += [
            f"{json.dumps(name)} = {json.dumps(value)}"
            for name, value in entries.items()
        ]
    (folder / "adapter.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
