# SPDX-License-Identifier: AGPL-3.0-only
"""`new-adapter` and `doctor`: for who judges an SDK for the first time."""

from __future__ import annotations

import asyncio
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from brrr_conformance import skeletons
from brrr_conformance.doctor import examine
from brrr_conformance.options import Exit
from brrr_conformance.outcome import HarnessError
from brrr_conformance.session import ended_by_sigterm
from brrr_conformance.terminal import make_console


class Language(StrEnum):
    PYTHON = "python"
    TYPESCRIPT = "typescript"
    GO = "go"
    C = "c"


def new_adapter(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A new folder.")],
    lang: Annotated[Language, typer.Option(help="The language of the SDK.")],
) -> None:
    """Write the skeleton of an adapter, which runs at once."""
    folder = Path(name)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", folder.name):
        raise HarnessError(f"{folder.name!r} is no name: letters, digits, - and _")
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise HarnessError(f"{folder}: {error.strerror}") from error
    for file, text in skeletons.files(lang).items():
        path = folder / file
        path.write_text(text.replace("NAME", folder.name), encoding="utf-8")
        if file == "run":
            path.chmod(0o755)
    console = make_console()
    console.print(f"{folder} is there.")
    if (folder / "run").exists():
        console.print(f"Build it: {folder}/run </dev/null")
    console.print("Next, and after each step:")
    console.print(f"  brrr-conformance doctor {folder}")
    console.print(f"  brrr-conformance run {folder} --tier quick")


def doctor(
    adapter: Annotated[Path, typer.Argument(metavar="ADAPTER")],
) -> None:
    """Check whether an adapter keeps to the protocol, and say what to do if not."""
    console = make_console()
    findings = []
    with ended_by_sigterm():
        try:
            findings = asyncio.run(examine(adapter))
        except KeyboardInterrupt:
            raise typer.Exit(Exit.INTERRUPTED) from None
    for each in findings:
        mark = {True: "ok     ", False: "PROBLEM", None: "-      "}[each.good]
        console.print(f"{mark} {each.what}", soft_wrap=True)
        for line in each.advice.splitlines():
            console.print(f"          {line}", soft_wrap=True)
    problems = sum(each.good is False for each in findings)
    console.print(f"{problems} problem{'' if problems == 1 else 's'}")
    raise typer.Exit(Exit.FAILED if problems else Exit.OK)
