# SPDX-License-Identifier: AGPL-3.0-only
"""The pages of conformance/findings, and the failures in them, judged again."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brrr_conformance.checker import check
from brrr_conformance.cli import app
from brrr_conformance.failure import Failure, read_failure
from brrr_conformance.spec import Spec, read_spec

FINDINGS = Path(__file__).parent.parent / "findings"
PAGES = {page.name[:3]: page for page in sorted(FINDINGS.glob("[0-9]*.md"))}
REPLAYS = sorted((FINDINGS / "replays").glob("*.json"))
ADAPTERS = FINDINGS.parent.parent / "adapters"
CITED = re.compile(r"\[([A-Z]+-\d+)\]")

of_each_file = pytest.mark.parametrize("file", REPLAYS, ids=lambda file: file.stem)


@cache
def spec() -> Spec:
    return read_spec()


def page_of(file: Path) -> str:
    return PAGES[file.name[:3]].read_text(encoding="utf-8")


def verdict(failure: Failure) -> str | None:
    """Say which requirement the trace checker finds broken today."""
    violation = None if failure.rewritten else check(failure.trace)
    return violation.requirement if violation else None


@of_each_file
def test_replay_is_judged_as_it_was(file: Path) -> None:
    """The same requirement is broken, by the same command; or no rule is still."""
    failure = read_failure(file)
    assert failure.status.is_failure
    if (recorded := failure.violation) is None:
        return
    again = check(failure.trace)
    assert again is not None, "accepted"
    assert (again.requirement, again.frame, again.command, again.reason) == (
        recorded.requirement,
        recorded.frame,
        recorded.command,
        recorded.reason,
    )


@of_each_file
def test_replay_says_what_the_page_says(file: Path) -> None:
    """The page names SDK, file and requirement."""
    failure, page = read_failure(file), page_of(file)
    requirements = {each.id for each in failure.requirements}
    assert failure.adapter in {each.name for each in ADAPTERS.iterdir()}
    assert f"findings/replays/{file.name}" in page
    cited = set(CITED.findall(page))
    assert cited & requirements, f"{cited} and {requirements}"
    assert (broken := verdict(failure)) is None or broken in cited, broken


@of_each_file
def test_replay_command(file: Path) -> None:
    """Offline it is a failure still, and says of what."""
    failure = read_failure(file)
    result = CliRunner().invoke(app, ["replay", str(file)])
    assert result.exit_code == 1, result.output
    broken = verdict(failure)
    said = f"breaks {broken} at frame" if broken else "failed, as recorded: "
    assert said in result.output


def test_index() -> None:
    """Each page is in the index, with its title, and the index has no other."""
    index = (FINDINGS / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[(\d{3})\]\(([^)]+)\)", index, re.MULTILINE)
    assert sorted(listed) == sorted((name, page.name) for name, page in PAGES.items())


@pytest.mark.parametrize("name", PAGES)
def test_page(name: str) -> None:
    """It begins with its number, and cites what there is."""
    page = PAGES[name].read_text(encoding="utf-8")
    title = next(line for line in page.splitlines() if line.startswith("# "))
    assert title.startswith(f"# {name}: ")
    assert set(CITED.findall(page)) <= spec().requirements.keys()
