# SPDX-License-Identifier: AGPL-3.0-only
"""The kill table: chooses whom to try, tries them, tells what came of it."""

from __future__ import annotations

import gc
import json
import random
from collections import defaultdict
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from brrr_conformance.session import collect
from mutants.everyone import MIXTURES, MUTANTS, VARIANTS
from mutants.kit import SMOKE
from mutants.trial import Share, judge, mix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from brrr_conformance.case import Case
    from mutants.trial import Found

SAMPLE = 12
# Of variants, the table tries this much; a quick one less, of one mixture.
TABLE, QUICK = Share(slow=12), Share(usual=10, slow=60)


def choose(names: Sequence[str], seed: int | None) -> list[str]:
    """Give the names of mutants and variants; of a requirement, all that break it."""
    if names:
        return [
            each
            for each in [*MIXTURES, *VARIANTS, *MUTANTS]
            if each in names or (each in MUTANTS and MUTANTS[each].requirement in names)
        ]
    if seed is None:
        return [*MIXTURES, *MUTANTS]
    chance = random.Random(seed)  # noqa: S311 - a sample that repeats
    redis = [it for it in MIXTURES if mix(it).store == "redis"]
    return [chance.choice(redis), *sorted(chance.sample([*MUTANTS], SAMPLE))]


# ---- trials -----------------------------------------------------------------


def try_all(names: Sequence[str], share: Share, jobs: int) -> list[Found]:
    """Try these, so many at a time; give what came of each, in order.

    Each is tried in a fork of this process, which has all that it takes by now.
    """
    places = modules_of(names, collect())
    trials = [(name, modules, share) for name, modules in places.items()]
    done: dict[str, Found] = {}
    gc.freeze()  # each fork would look through all that it has not made
    with get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
        for found in pool.imap_unordered(attempt, trials):
            done[found["name"]] = found
            print(line_of(found), flush=True)
    return [done[each] for each in names]


def modules_of(names: Sequence[str], cases: Sequence[Case]) -> dict[str, list[str]]:
    """Find the modules that have the cases in question."""
    found: dict[str, set[str]] = defaultdict(set)
    smoke = {each.module for each in cases if each.id in SMOKE.values()}
    for name in names:
        if name in MUTANTS:
            wanted = MUTANTS[name].requirement
            found[name] = {it.module for it in cases if wanted in it.requirements}
            found[name] |= smoke
        else:
            profiles = mix(name).profiles
            found[name] = {it.module for it in cases if it.profile in profiles}
    return {name: sorted(modules) for name, modules in found.items()}


def attempt(trial: tuple[str, list[str], Share]) -> Found:
    return judge(*trial)


# ---- the report -------------------------------------------------------------


def make_report(found: Sequence[Found]) -> dict[str, Any]:
    mutants = [each for each in found if "requirement" in each]
    variants = [each for each in found if "requirement" not in each]
    killed = sum(each["killed"] for each in mutants)
    wronged = sum(bool(each["failed"]) for each in variants)
    return {
        "schema": 1,
        "mutants": mutants,
        "variants": variants,
        "summary": {
            "mutants": len(mutants),
            "killed": killed,
            "survived": len(mutants) - killed,
            "variants": sum(1 + each["name"].count("+") for each in variants),
            "wronged": wronged,
            "failures": len(mutants) - killed + wronged,
        },
    }


def write_report(report: dict[str, Any], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def print_report(report: dict[str, Any]) -> None:
    """Print what went wrong, and the sums; the lines of the table came before."""
    for line in failures(report):
        print(line)
    it = report["summary"]
    print(f"\nvariants: {it['variants']}, wronged: {it['wronged']}")
    print(f"mutants: {it['killed']} of {it['mutants']} killed")


def line_of(found: Found) -> str:
    seconds = f"{found['seconds']:6.1f} s"
    if "requirement" not in found:
        end = f"{found['passed']} passed, {len(found['failed'])} failed"
        names = found["name"].replace("+", ", ")
        names += "".join(f"; {case}" for case in found["failed"])
        return f"{'lawful':<10} {end:<42}{seconds}  {names}"
    end = ", ".join(found["by"]) if found["killed"] else "; ".join(found["problems"])
    return f"{found['requirement']:<10} {found['name']:<42}{seconds}  {end}"


def failures(report: dict[str, Any]) -> Iterator[str]:
    for each in report["mutants"]:
        if not each["killed"]:
            yield f"\nNOT KILLED {each['name']}: {each['about']}"
            yield f"  breaks {each['requirement']}"
            yield from (f"  {problem}" for problem in each["problems"])
    for each in report["variants"]:
        for case, message in each["failed"].items():
            yield f"\nWRONGED {each['name']}: {case}\n{message}"
