# SPDX-License-Identifier: AGPL-3.0-only
"""`make test`: runs every stage, whatever the others did, and adds them up.

run_tests.py [STAGE...]

Each stage is a list of commands and a reader of the results they leave behind.
A stage that fails without a failed test, that leaves no results, or that runs
no test counts as a failure itself. The sum goes to build/test/total, for
.ci/run to close with.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from counting import (
    CountError,
    Tally,
    count_ctest,
    count_junit,
    count_matrix,
    count_report,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
OUT = BUILD / "test"
BIN = BUILD / "venv" / "bin"
ASAN_ADAPTER = BUILD / "asan" / "adapters" / "c" / "brrr-adapter-c"

# Some seconds of the matrix.
QUICK = ("--graphs", "20", "--storms", "1")

# Cases for a worker that takes messages ahead; not those which want to find one at
# most in the hands of a worker with one.
AHEAD = ["-k", "(handling or graphs or merging or programs) and not interleavings"]

Row = tuple[str, Tally, float]  # stage, counts, seconds
Command = list[str | Path]


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of the test run.

    results are removed beforehand, so that what is read is of this run. Without
    a reader the stage is one test by itself: its commands succeed or not.
    """

    name: str
    commands: Sequence[Command]
    results: Sequence[Path] = ()
    reader: Callable[[], Tally] | None = None
    env: dict[str, str] = field(default_factory=dict)
    minutes: float = 30


def c_stage(preset: str) -> Stage:
    build = BUILD / preset
    listing, junit = OUT / f"{preset}.json", OUT / f"{preset}.xml"
    show = f'ctest --preset {preset} --show-only=json-v1 >"$0"'
    return Stage(
        name=f"c-{preset}",
        commands=[
            ["cmake", "--preset", preset, "--log-level=WARNING"],
            ["cmake", "--build", "--preset", preset],
            ["sh", "-c", show, listing],
            ["ctest", "--preset", preset, "--output-junit", junit],
        ],
        results=[listing, junit],
        reader=lambda: count_ctest(build, listing, junit),
    )


def pytest_stage(name: str, tests: str, *options: str) -> Stage:
    junit = OUT / f"{name}.xml"
    command: Command = [BIN / "python", "-m", "pytest", "-q", tests, *options]
    command.append(f"--junitxml={junit}")
    return Stage(name, [command], [junit], lambda: count_junit(junit))


def processes_stage() -> Stage:
    """Whole worker processes: of the release for measures, with ASan for faults."""
    stage = pytest_stage("processes", "ref/processes")
    builds: list[Command] = []
    for preset in ("release", "asan"):
        builds += [
            ["cmake", "--preset", preset, "--log-level=WARNING"],
            ["cmake", "--build", "--preset", preset, "--target", "graph_worker"],
        ]
    return replace(stage, commands=[*builds, *stage.commands])


def stages() -> list[Stage]:
    lint = OUT / "lint.xml"
    report, matrix = OUT / "conformance.json", OUT / "matrix.json"
    ahead = OUT / "ahead.json"
    adapters = ["adapters/c", "adapters/tiny"]
    return [
        Stage(
            "lint",
            [[BIN / "python", "tools/lint.py", "--junit", lint]],
            [lint],
            lambda: count_junit(lint),
        ),
        c_stage("dev"),
        c_stage("asan"),
        processes_stage(),
        pytest_stage("tools", "tools/tests"),
        pytest_stage("bench", "bench/tests"),
        pytest_stage("python", "conformance/tests", "-n", "2"),
        Stage(
            "conformance",
            [[BIN / "brrr-conformance", "run", *adapters, "--json", report]],
            [report],
            lambda: count_report(report, len(adapters)),
            env={"BRRR_C_ADAPTER": str(ASAN_ADAPTER)},
        ),
        Stage(
            "ahead",
            [[BIN / "brrr-conformance", "run", adapters[0], *AHEAD, "--json", ahead]],
            [ahead],
            lambda: count_report(ahead, 1),
            env={"BRRR_C_ADAPTER": str(ASAN_ADAPTER), "BRRR_C_AHEAD": "1"},
        ),
        Stage(
            "matrix",
            [[BIN / "brrr-conformance", "matrix", *adapters, *QUICK, "--json", matrix]],
            [matrix],
            lambda: count_matrix(matrix, len(adapters)),
            env={"BRRR_C_ADAPTER": str(ASAN_ADAPTER)},
        ),
        Stage(
            "mutants",
            [[BIN / "python", "-m", "mutants", "--quick"]],
            env={"PYTHONPATH": str(ROOT / "conformance" / "tests")},
        ),
        Stage("gate", [[BIN / "python", "-m", "brrr_conformance.gate"]]),
    ]


def run_stage(stage: Stage) -> Tally:
    for path in stage.results:
        path.unlink(missing_ok=True)
    problem = run_commands(stage)
    if stage.reader is None:
        return Tally(passed=1) if problem is None else failure(problem)
    try:
        tally = stage.reader()
    except (CountError, KeyError, TypeError, AttributeError) as error:
        return failure(problem or f"results cannot be read: {error!r}")
    if problem is not None and not tally.failed:
        tally.fail(problem)
    elif tally == Tally():
        tally.fail("ran no test")
    return tally


def failure(why: str) -> Tally:
    tally = Tally()
    tally.fail(why)
    return tally


def run_commands(stage: Stage) -> str | None:
    """Run the commands of a stage until one fails; say which and how."""
    deadline = time.monotonic() + stage.minutes * 60
    for command in stage.commands:
        words = [str(word) for word in command]
        name = " ".join(words[:3])
        try:
            process = subprocess.Popen(
                words,
                cwd=ROOT,
                env={**os.environ, **stage.env},
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            return f"{name}: {error.strerror}"
        try:
            status = process.wait(deadline - time.monotonic())
        except subprocess.TimeoutExpired:
            return f"{name}: not done after {stage.minutes:g} minutes"
        finally:
            end_group(process)
        if status:
            return f"{name}: exit status {status}"
    return None


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End what a command left running, or the command itself."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def main() -> int:
    known = {stage.name: stage for stage in stages()}
    parser = argparse.ArgumentParser(description="runs all tests and adds them up")
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=", ".join(known))
    args = parser.parse_args()
    if unknown := set(args.stages) - set(known):
        parser.error(f"no such stage: {', '.join(sorted(unknown))}")

    OUT.mkdir(parents=True, exist_ok=True)
    total_file = OUT / "total"
    total_file.unlink(missing_ok=True)
    total = Tally()
    rows: list[Row] = []
    for name in args.stages or known:
        print(f"\n==== {name}", flush=True)
        start = time.monotonic()
        tally = run_stage(known[name])
        rows.append((name, tally, time.monotonic() - start))
        total.add(tally)

    print_failures(rows)
    print_table([*rows, ("all", total, sum(seconds for _, _, seconds in rows))])
    total_file.write_text(total.line() + "\n", encoding="utf-8")
    return int(total.failed > 0)


def print_failures(rows: list[Row], most: int = 20) -> None:
    for name, tally, _ in rows:
        if tally.failures:
            print(f"\nfailures of {name}:")
        for line in tally.failures[:most]:
            print(f"  {line}")
        if len(tally.failures) > most:
            print(f"  and {len(tally.failures) - most} more")


def print_table(rows: list[Row]) -> None:
    print(f"\n{'stage':<14}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for name, tally, seconds in rows:
        counts = f"{tally.passed:>8}{tally.failed:>8}{tally.skipped:>9}"
        print(f"{name:<14}{counts}{seconds:>9.1f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
