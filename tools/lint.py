# SPDX-License-Identifier: AGPL-3.0-only
"""`make lint` and `make format`: every static check of the repository.

lint.py [--fix] [--junit FILE] [CHECK...]

Looks at all files that git knows or would add, wherever they are, so that a new
folder needs no entry here.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
JOBS = 2

# Data, or no place for a licence line: everything else carries one.
UNMARKED_SUFFIXES = frozenset(
    {".bin", ".csv", ".gitignore", ".hex", ".json"}
    | {".jsonl", ".lock", ".md", ".txt", ".xml"}
)
UNMARKED_NAMES = frozenset({"LICENSE", "py.typed", ".gitkeep"})
SPDX = "SPDX-License-Identifier: AGPL-3.0-only"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one check ended: output is shown only when it failed."""

    failed: bool
    output: str


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    about: str
    run: Callable[[Iterable[Path]], Outcome]
    fix: Callable[[Iterable[Path]], Outcome] | None = None


def run(*command: str | Path, env: dict[str, str] | None = None) -> Outcome:
    """Run a command at the root."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    output = done.stdout.decode(errors="replace")
    if done.returncode:
        output = f"$ {shlex.join(str(word) for word in command)[:160]} ...\n{output}"
    return Outcome(done.returncode != 0, output)


def both(outcomes: Iterable[Outcome]) -> Outcome:
    done = list(outcomes)
    return Outcome(
        any(one.failed for one in done),
        "".join(one.output for one in done if one.failed),
    )


def list_files() -> list[Path]:
    """List what git tracks or would add, relative to the root, and is there."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout.decode()
    paths = sorted({Path(name) for name in names.split("\0") if name})
    return [path for path in paths if (ROOT / path).is_file()]


def generated(path: Path) -> bool:
    return ".gen." in path.name or path.stem.endswith("_pb2")


def c_files(files: Iterable[Path]) -> list[Path]:
    return [f for f in files if f.suffix in {".c", ".h"} and not generated(f)]


def python_files(files: Iterable[Path]) -> list[Path]:
    return [f for f in files if is_python(f) and not generated(f)]


def is_python(path: Path) -> bool:
    if path.suffix:
        return path.suffix in {".py", ".pyi"}
    with (ROOT / path).open("rb") as file:
        first = file.readline(100)
    return first.startswith(b"#!") and b"python" in first


# ---- C ----------------------------------------------------------------------


def clang_format(files: Iterable[Path]) -> Outcome:
    sources = c_files(files)
    if not sources:
        return Outcome(False, "")
    return run("clang-format", "--dry-run", "-Werror", *sources)


def clang_format_fix(files: Iterable[Path]) -> Outcome:
    sources = c_files(files)
    return run("clang-format", "-i", *sources) if sources else Outcome(False, "")


def clang_tidy(files: Iterable[Path]) -> Outcome:
    """Run clang-tidy over what the preset tidy compiles, generated code apart.

    The build comes first because the sources include generated headers.
    """
    build = both(
        run("cmake", *words)
        for words in (("--preset", "tidy"), ("--build", "--preset", "tidy"))
    )
    if build.failed:
        return build
    wanted = set(c_files(files))
    database = ROOT / "build" / "tidy" / "compile_commands.json"
    sources = sorted(
        path
        for entry in json.loads(database.read_text(encoding="utf-8"))
        if (path := Path(entry["file"])).is_relative_to(ROOT)
        and path.relative_to(ROOT) in wanted
    )
    with ThreadPoolExecutor(JOBS) as pool:
        return both(pool.map(tidy_one, dict.fromkeys(sources)))


def tidy_one(source: Path) -> Outcome:
    return run("clang-tidy", "--quiet", "-p", "build/tidy", source)


# ---- Python -----------------------------------------------------------------


def ruff(files: Iterable[Path]) -> Outcome:
    return run(BIN / "ruff", "check", "--no-cache", *python_files(files))


def ruff_format(files: Iterable[Path]) -> Outcome:
    return run(BIN / "ruff", "format", "--no-cache", "--diff", *python_files(files))


def ruff_fix(files: Iterable[Path]) -> Outcome:
    return run(BIN / "ruff", "check", "--no-cache", "--fix", *python_files(files))


def ruff_format_fix(files: Iterable[Path]) -> Outcome:
    return run(BIN / "ruff", "format", "--no-cache", *python_files(files))


def mypy(files: Iterable[Path]) -> Outcome:
    """Check each project by itself: their modules may share names."""
    projects: dict[Path, list[Path]] = {}
    for path in python_files(files):
        projects.setdefault(project(path), []).append(path)
    return both(mypy_project(folder, paths) for folder, paths in projects.items())


def project(path: Path) -> Path:
    """Tell what belongs together: one adapter, or a folder of the top level."""
    return Path(*path.parts[: 2 if path.parts[0] == "adapters" else 1])


def mypy_project(folder: Path, paths: list[Path]) -> Outcome:
    own = ROOT / folder / "pyproject.toml"
    config = own if own.is_file() else ROOT / "pyproject.toml"
    return run(
        BIN / "mypy",
        "--strict",
        "--scripts-are-modules",
        f"--config-file={config}",
        f"--cache-dir={ROOT / 'build' / 'mypy' / folder}",
        *paths,
        env={"MYPYPATH": str(ROOT / folder)},
    )


# ---- licence ----------------------------------------------------------------


def spdx(files: Iterable[Path]) -> Outcome:
    missing = [path for path in files if marked(path) and not has_mark(ROOT / path)]
    return Outcome(
        bool(missing), "".join(f"{path}: no line '{SPDX}'\n" for path in missing)
    )


def marked(path: Path) -> bool:
    if path.name == "CMakeLists.txt":
        return True
    return not (
        path.suffix in UNMARKED_SUFFIXES
        or path.name in UNMARKED_SUFFIXES | UNMARKED_NAMES
        or path.stem.endswith("_pb2")
    )


def has_mark(path: Path) -> bool:
    with path.open("rb") as file:
        return SPDX.encode() in file.read(1000)


CHECKS = (
    Check("spdx", "a licence line in every source file", spdx),
    Check("clang-format", "layout of C", clang_format, clang_format_fix),
    Check("ruff", "style and likely bugs in Python", ruff, ruff_fix),
    Check("ruff-format", "layout of Python", ruff_format, ruff_format_fix),
    Check("mypy", "types in Python, strict", mypy),
    Check("clang-tidy", "likely bugs in C", clang_tidy),
)


def write_junit(path: Path, results: list[tuple[Check, Outcome, float]]) -> None:
    suite = ElementTree.Element("testsuite", name="lint", tests=str(len(results)))
    for check, outcome, seconds in results:
        case = ElementTree.SubElement(
            suite, "testcase", classname="lint", name=check.name, time=f"{seconds:.3f}"
        )
        if outcome.failed:
            ElementTree.SubElement(case, "failure", message=f"{check.about}: see above")
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="static checks")
    parser.add_argument("--fix", action="store_true", help="repair what can be")
    parser.add_argument("--junit", type=Path, help="write the results to this file")
    names = [check.name for check in CHECKS]
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=", ".join(names))
    args = parser.parse_args()
    if unknown := set(args.checks) - set(names):
        parser.error(f"no such check: {', '.join(sorted(unknown))}")

    files = list_files()
    results: list[tuple[Check, Outcome, float]] = []
    for check in CHECKS:
        if args.checks and check.name not in args.checks:
            continue
        action = check.fix if args.fix else check.run
        if action is None:
            continue
        start = time.monotonic()
        outcome = action(files)
        seconds = time.monotonic() - start
        results.append((check, outcome, seconds))
        word = "FAILED" if outcome.failed else "fixed" if args.fix else "clean"
        print(f"{check.name:<14}{word:<8}{seconds:5.1f} s  {check.about}", flush=True)
        if outcome.failed:
            print(outcome.output, flush=True)
    if args.junit:
        write_junit(args.junit, results)
    return int(any(outcome.failed for _, outcome, _ in results))


if __name__ == "__main__":
    sys.exit(main())
