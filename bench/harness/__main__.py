# SPDX-License-Identifier: AGPL-3.0-only
"""`make bench`: plays all duels and writes build/bench/report.{json,md,svg}.

python -m harness [--quick] [--rounds N] [--only WORD]

WORD picks the duels of one kind: leaf_bare, leaf_bullmq, and so on. The status is
0 when all goals are met, 1 when some are not, and 2 when it could not be played.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from harness import plot, report
from harness.contests import ALL, Field
from harness.duel import Result, play
from harness.machine import OUT, BenchError, redis_server
from harness.stats import MIN_ROUNDS

QUICK_ROUNDS = 2
CLOSE_UNTIL_SECONDS = 480.0  # from then on, no more rounds for what is close


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few and small rounds")
    parser.add_argument("--rounds", type=int, default=MIN_ROUNDS)
    parser.add_argument("--only", default="", metavar="WORD")
    return parser.parse_args()


def say(text: str) -> None:
    print(text, flush=True)


def run(given: argparse.Namespace) -> list[Result]:
    start = time.monotonic()
    results: list[Result] = []
    rounds = QUICK_ROUNDS if given.quick else given.rounds
    with redis_server() as redis:
        field = Field(redis, given.quick, say)
        try:
            for duels in ALL:
                if given.only and given.only != duels.__name__:
                    continue
                for duel in duels(field):
                    is_late = time.monotonic() - start > CLOSE_UNTIL_SECONDS
                    results += play(duel, rounds, say, more=not is_late)
        finally:
            field.close()
    say(f"{time.monotonic() - start:.0f} s")
    return results


def main() -> int:
    given = options()
    words = [f"--{name}" for name in ("quick",) if getattr(given, name)]
    command = " ".join(
        ["make bench", *([f'ARGS="{" ".join(words)}"'] if words else [])]
    )
    scene = report.look(command, len(os.sched_getaffinity(0)))
    try:
        results = run(given)
    except BenchError as error:
        print(f"make bench: {error}", file=sys.stderr)
        return 2
    report.write(results, scene)
    plot.draw(results, OUT / "report.svg", scene.line().replace("`", ""))
    say(report.table(results))
    say(f"\nin {OUT.relative_to(OUT.parents[1])}: report.json, report.md, report.svg")
    return 0 if results and all(each.met for each in results) else 1


if __name__ == "__main__":
    sys.exit(main())
