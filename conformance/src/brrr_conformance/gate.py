# SPDX-License-Identifier: AGPL-3.0-only
"""The gate: nothing is required without being tested, cited without being required.

    python -m brrr_conformance.gate [ROOT]

Fails, with its reasons, when an id occurs twice in the specification; when an id is
cited, anywhere in the repository, that the specification does not have; when a MUST
has neither case nor vector; when a MUST is cited nowhere in ref/; and when no mutant
breaks a MUST. What the reference does not implement, and what no mutant can break, is
listed in conformance/gate.toml, with the reason.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from brrr_conformance.session import collect
from brrr_conformance.spec import Spec, find_spec, read_spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

EXCEPTIONS = Path("conformance") / "gate.toml"
REFERENCE = "ref"
MUTANTS = Path("conformance") / "tests" / "mutants"
NO_TEXT = frozenset({".bin", ".png", ".lock", ".resp"})


@dataclass(frozen=True, slots=True)
class Citation:
    id: str
    file: Path
    line: int


def main() -> int:
    """Print what is wrong, and how much there is."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else find_spec().parent
    spec = read_spec(root / "spec")
    citations = list(find_citations(root, spec))
    tested = {name for case in collect() for name in case.requirements}
    exceptions = read_exceptions(root / EXCEPTIONS, "not_in_reference")
    unbroken = read_exceptions(root / EXCEPTIONS, "not_mutated")
    problems = [
        *duplicates(spec),
        *unknown(spec, citations, tested),
        *untested(spec, tested),
        *not_in_reference(spec, citations, exceptions),
        *not_mutated(spec, find_broken(root), unbroken),
    ]
    for problem in problems:
        print(problem)
    musts = sum(each.is_must for each in spec.all_requirements)
    print(
        f"gate: {len(spec.all_requirements)} requirements, {musts} MUST, "
        f"{len(citations)} citations: {len(problems)} problems"
    )
    return int(bool(problems))


# ---- what is wrong ----------------------------------------------------------


def duplicates(spec: Spec) -> Iterator[str]:
    counts = Counter(each.id for each in spec.all_requirements)
    for each in spec.all_requirements:
        if counts[each.id] > 1:
            yield f"spec/{each.chapter}.md:{each.line}: {each.id} occurs twice"


def unknown(
    spec: Spec, citations: Iterable[Citation], tested: Iterable[str]
) -> Iterator[str]:
    for each in citations:
        if each.id not in spec.requirements:
            yield f"{each.file}:{each.line}: {each.id} is not in the specification"
    for name in sorted(set(tested) - spec.requirements.keys()):
        yield f"a case or vector is about {name}, which is not in the specification"


def untested(spec: Spec, tested: set[str]) -> Iterator[str]:
    for each in spec.requirements.values():
        if each.is_must and each.id not in tested:
            yield f"{each.id} has neither case nor vector: {each.sentence}"


def not_in_reference(
    spec: Spec, citations: Iterable[Citation], exceptions: Mapping[str, str]
) -> Iterator[str]:
    cited = {each.id for each in citations if each.file.parts[0] == REFERENCE}
    for each in spec.requirements.values():
        if each.is_must and each.id not in cited and each.id not in exceptions:
            yield f"{each.id} is cited nowhere in ref/: {each.sentence}"
    for name in exceptions:
        if name not in spec.requirements:
            yield f"{EXCEPTIONS}: {name} is not in the specification"
        elif name in cited:
            yield f"{EXCEPTIONS}: {name} is cited in ref/ after all"


def not_mutated(
    spec: Spec, broken: set[str], exceptions: Mapping[str, str]
) -> Iterator[str]:
    for each in spec.requirements.values():
        if each.is_must and each.id not in broken | exceptions.keys():
            yield f"{each.id} is broken by no mutant: {each.sentence}"
    for name in sorted(broken - spec.requirements.keys()):
        yield f"a mutant breaks {name}, which is not in the specification"
    for name in sorted(broken & exceptions.keys()):
        yield f"{EXCEPTIONS}: {name} is broken by a mutant after all"


# ---- what there is ----------------------------------------------------------


def find_citations(root: Path, spec: Spec) -> Iterator[Citation]:
    """Find every id, of a family that the specification has, in every file."""
    families = "|".join(sorted({each.family for each in spec.all_requirements}))
    pattern = re.compile(rf"(?<![\w-])(?:{families})-[0-9]+(?![\w-]|\.[0-9])")
    for file in list_files(root):
        try:
            text = (root / file).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            for match in pattern.finditer(line):
                yield Citation(match[0], file, number)


def find_broken(root: Path) -> set[str]:
    """Find what the mutants say that they break."""
    texts = [file.read_text(encoding="utf-8") for file in (root / MUTANTS).glob("*.py")]
    pattern = re.compile(r'^@breaks\(\s*"([A-Z]+-[0-9]+)"', re.MULTILINE)
    return {match[1] for text in texts for match in pattern.finditer(text)}


def list_files(root: Path) -> list[Path]:
    """List what git has or would add."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        stdout=subprocess.PIPE,
        check=True,
    )
    names = sorted(set(done.stdout.decode().split("\0")) - {""})
    files = [Path(name) for name in names if Path(name).suffix not in NO_TEXT]
    return [file for file in files if (root / file).is_file()]


def read_exceptions(file: Path, kind: str) -> dict[str, str]:
    if not file.is_file():
        return {}
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    return {str(name): str(why) for name, why in table[kind].items()}


if __name__ == "__main__":
    sys.exit(main())
