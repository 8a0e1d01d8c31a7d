# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the specification: its requirements, and its examples as text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from brrr_conformance.outcome import HarnessError

# As cited: in brackets where it is said, or bare in a marker.
ID = re.compile(r"[A-Z]{2,}-[0-9]+")

_REQUIREMENT = re.compile(
    r"^\*\*\[(?P<id>[A-Z]+-[0-9]+)\]\*\*(?: \*\(level (?P<level>[12])\)\*)?\s+"
    r"(?P<text>.+?)(?=\n\s*\n|\n```|\Z)",
    re.MULTILINE | re.DOTALL,
)
_SENTENCE = re.compile(r".+?(?:\.(?=\s+[A-Z*(`])|$)", re.DOTALL)
_EXAMPLE = re.compile(
    r"^```example (?P<info>.*)\n(?P<body>(?:.*\n)*?)```$", re.MULTILINE
)
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Requirement:
    id: str
    level: int
    chapter: str
    # The whole paragraph, on one line; the sentence with the id is its first.
    text: str
    line: int

    @property
    def sentence(self) -> str:
        match = _SENTENCE.match(self.text)
        return match[0] if match else self.text

    @property
    def is_must(self) -> bool:
        return re.search(r"\bMUST\b", self.text) is not None

    @property
    def family(self) -> str:
        return self.id.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Example:
    """A fenced block whose info string begins with `example`."""

    id: str
    kind: str
    # What stands between the kind and the requirements: the record's name.
    record: str
    requirements: tuple[str, ...]
    body: str
    file: Path
    # Line of the first line of the body.
    line: int

    @property
    def chapter(self) -> str:
        return self.file.stem


@dataclass(frozen=True)
class Spec:
    folder: Path
    # In order of the text; ids may (wrongly) occur twice, for the gate to find.
    all_requirements: tuple[Requirement, ...]
    examples: tuple[Example, ...]
    titles: dict[str, str] = field(default_factory=dict)

    @cached_property
    def requirements(self) -> dict[str, Requirement]:
        return {each.id: each for each in self.all_requirements}


def find_spec() -> Path:
    """Find the chapters: in the installed package, else in the checkout."""
    here = Path(__file__).resolve()
    for folder in (here.parent / "chapters", here.parents[3] / "spec"):
        if folder.is_dir():
            return folder
    raise HarnessError("the specification is neither in the package nor beside it")


def read_spec(folder: Path | None = None) -> Spec:
    """Read all chapters of a folder, in the order of its README."""
    folder = folder or find_spec()
    requirements: list[Requirement] = []
    examples: list[Example] = []
    titles: dict[str, str] = {}
    for file in _chapters(folder):
        text = file.read_text(encoding="utf-8")
        title = _TITLE.search(text)
        titles[file.stem] = title[1] if title else file.stem
        requirements += _requirements(file, text)
        examples += _examples(file, text)
    return Spec(folder, tuple(requirements), tuple(examples), titles)


def _chapters(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.md"))
    index = folder / "README.md"
    if not index.is_file():
        return files
    text = index.read_text(encoding="utf-8")

    def place(file: Path) -> int:
        found = text.find(f"({file.name})")
        return found if found >= 0 else len(text)

    return sorted((file for file in files if file != index), key=place)


def _requirements(file: Path, text: str) -> list[Requirement]:
    return [
        Requirement(
            match["id"],
            int(match["level"] or 1),
            file.stem,
            " ".join(match["text"].split()),
            text.count("\n", 0, match.start()) + 1,
        )
        for match in _REQUIREMENT.finditer(text)
    ]


def _examples(file: Path, text: str) -> list[Example]:
    examples = []
    for number, match in enumerate(_EXAMPLE.finditer(text), 1):
        kind, *words = match["info"].split()
        requirements = tuple(word for word in words if ID.fullmatch(word))
        record = next((word for word in words if not ID.fullmatch(word)), "")
        examples.append(
            Example(
                f"spec.{file.stem}.{number}",
                kind,
                record,
                requirements,
                match["body"],
                file,
                text.count("\n", 0, match.start("body")) + 1,
            )
        )
    return examples
