# SPDX-License-Identifier: AGPL-3.0-only
"""`make mutants`: tries every mutant and variant, and prints who was killed by what.

    python -m mutants [--quick | --whole] [--seed N] [-j N] [NAME-OR-REQUIREMENT...]

Variants are tried with a share of the cases that take long, or with all: `--whole`.
The exit status is 1 when a mutant survives, or a variant is killed.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from mutants import ROOT
from mutants.table import (
    QUICK,
    TABLE,
    choose,
    make_report,
    print_report,
    try_all,
    write_report,
)
from mutants.trial import WHOLE


def main() -> int:
    parser = argparse.ArgumentParser(prog="mutants", description="the kill table")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_true", help="a sample of them")
    sizes.add_argument("--whole", action="store_true", help="all cases of variants")
    parser.add_argument("--seed", type=int, default=1, help="another sample")
    parser.add_argument("-j", dest="jobs", type=int, default=2, help="at a time")
    parser.add_argument(
        "--json", type=Path, default=ROOT / "build" / "mutants" / "report.json"
    )
    args = parser.parse_args()
    names = choose(args.names, args.seed if args.quick else None)
    if not names:
        parser.error("no mutant or variant of this name")
    share = (
        WHOLE if args.whole else replace(QUICK if args.quick else TABLE, seed=args.seed)
    )
    report = make_report(try_all(names, share, args.jobs))
    print_report(report)
    write_report(report, args.json)
    return int(report["summary"]["failures"] > 0)


if __name__ == "__main__":
    sys.exit(main())
