# SPDX-License-Identifier: AGPL-3.0-only
"""Known deviations: lists that are right, stale, wrong, and not to be read."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from brrr_conformance import cases
from brrr_conformance.config import load_adapter
from brrr_conformance.deviation import (
    Deviation,
    check_wildcards,
    entries_for,
    find_stale,
    judge,
    load_deviations,
    patience,
    write_skeletons,
)
from brrr_conformance.outcome import HarnessError, Status
from brrr_conformance.report import Outcome

if TYPE_CHECKING:
    from conftest import MakeAdapter, SpoilTiny

COMMAND = Path(sys.executable).parent / "brrr-conformance"
CASES = Path(cases.__file__).parent
REFUSES = {"reply": {"failure": {"code": "REFUSED", "reason": "no"}}}
CAPTURED: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 300}
REQUIREMENTS = {"REDIS-1", "WORK-4"}
ENTRY = {
    "cases": ["a.b"],
    "requirements": ["WORK-4"],
    "defect": "some-defect",
    "reason": "because",
    "message": "^got nothing$",
}
LPUSH = """
import redis.asyncio
send = redis.asyncio.Redis.execute_command
async def execute_command(self, name, *args, **kw):
    return await send(self, "LPUSH" if name == "RPUSH" else name, *args)
redis.asyncio.Redis.execute_command = execute_command
"""


def write_list(folder: Path, *entries: dict[str, Any]) -> None:
    """Write a list; JSON's texts, numbers and lists are TOML's too."""
    lines = []
    for entry in entries:
        lines.append("[[deviation]]")
        lines += [f"{name} = {json.dumps(value)}" for name, value in entry.items()]
    (folder / "deviations.toml").write_text("\n".join(lines) + "\n")


def load(folder: Path) -> tuple[Deviation, ...]:
    return load_deviations(load_adapter(folder), REQUIREMENTS)


@pytest.fixture
def folder(make_adapter: MakeAdapter) -> Path:
    return make_adapter({})


@pytest.fixture
def entry(folder: Path) -> Deviation:
    write_list(folder, ENTRY)
    [entry] = load(folder)
    return entry


# ---- the file ---------------------------------------------------------------


def test_no_list(folder: Path) -> None:
    assert load(folder) == ()


def test_entry(entry: Deviation) -> None:
    assert entry.cases == ("a.b",)
    assert (entry.expect, entry.adapter) == (Status.FAILED, "mini")
    assert str(entry) == "mini/deviations.toml, entry 1 (some-defect)"
    assert patience([entry]) == float("inf")


def test_what_is_to_time_out_gets_little_time(folder: Path) -> None:
    late = {**ENTRY, "expect": "timed out"}
    write_list(folder, late, {**late, "timeout": 0.5})
    first, second = load(folder)
    assert (patience([first]), patience([first, second])) == (2.0, 0.5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cases": []}, "cases is not a list of texts"),
        ({"cases": "a.b"}, "cases is not a list of texts"),
        ({"requirements": ["NO-1"]}, "there is no requirement NO-1"),
        ({"defect": ""}, "defect is not a text"),
        ({"reason": None}, "reason is missing"),
        ({"message": ""}, "message is not a text"),
        ({"message": "("}, "message is no regular expression"),
        ({"expect": "passed"}, "expect is passed, not one of failed, crashed"),
        ({"expect": "bad"}, "'bad' is not a valid Status"),
        ({"timeout": 0}, "timeout is 0"),
        ({"casses": ["a"]}, "unknown key: casses"),
    ],
)
def test_wrong_entry(folder: Path, change: dict[str, Any], said: str) -> None:
    table = {
        name: value for name, value in {**ENTRY, **change}.items() if value is not None
    }
    write_list(folder, ENTRY, table)
    with pytest.raises(HarnessError, match=said) as caught:
        load(folder)
    assert str(caught.value).startswith("mini/deviations.toml, entry 2: ")


@pytest.mark.parametrize("text", ["[[deviation]", "deviations = []", "deviation = 1"])
def test_no_list_at_all(folder: Path, text: str) -> None:
    (folder / "deviations.toml").write_text(text)
    with pytest.raises(HarnessError, match="deviations.toml"):
        load(folder)


def test_defect_has_a_page_in_this_repository(tmp_path: Path, folder: Path) -> None:
    findings = tmp_path / "conformance" / "findings"
    findings.mkdir(parents=True)
    inside = tmp_path / "adapters" / "mini"
    inside.parent.mkdir()
    folder.rename(inside)
    write_list(inside, ENTRY)
    with pytest.raises(HarnessError, match="no conformance/findings/some-defect.md"):
        load(inside)
    (findings / "some-defect.md").touch()
    assert len(load(inside)) == 1


# ---- judging ----------------------------------------------------------------

SEEN = Outcome("a.b", "mini", ("WORK-4",), Status.FAILED, 1.0, "state\ngot nothing")


def test_known(entry: Deviation) -> None:
    verdict = judge(SEEN, [entry])
    assert verdict.status is Status.KNOWN_DEVIATION
    assert not verdict.status.is_failure
    assert verdict.message.startswith("some-defect: because\nstate")


def test_stale(entry: Deviation) -> None:
    verdict = judge(replace(SEEN, status=Status.PASSED, message=""), [entry])
    assert verdict.status is Status.FAILED
    assert "listed as a known deviation: mini/deviations.toml, entry 1" in (
        verdict.message
    )


@pytest.mark.parametrize(
    "change",
    [
        {"message": "something else"},
        {"message": "[WORK-4] got nothing"},  # the specification says it, not the SDK
        {"status": Status.CRASHED},
        {"status": Status.TIMED_OUT},
    ],
)
def test_another_failure(entry: Deviation, change: dict[str, Any]) -> None:
    seen = replace(SEEN, **change)
    verdict = judge(seen, [entry])
    assert verdict.status is Status.FAILED
    assert "mini/deviations.toml, entry 1 (some-defect)" in verdict.message
    assert verdict.message.endswith(f"got {seen.status}: {seen.message}")


@pytest.mark.parametrize("status", [Status.NOT_IMPLEMENTED, Status.HARNESS_ERROR])
def test_what_says_nothing_of_the_sdk(entry: Deviation, status: Status) -> None:
    seen = replace(SEEN, status=status)
    assert judge(seen, [entry]) == seen


def test_one_of_two_members_is_known(entry: Deviation) -> None:
    other = replace(entry, adapter="other", expect=Status.CRASHED)
    assert judge(SEEN, [other, entry]).status is Status.KNOWN_DEVIATION


# ---- which cases ------------------------------------------------------------


def test_wildcards(entry: Deviation) -> None:
    each = replace(entry, cases=("a.*[x-?]",))
    assert each.covers("a.bc[x-1]", "mini")
    assert not each.covers("a.bcx", "mini")  # brackets mean themselves
    assert not each.covers("b.a.[x-1]", "mini")


def test_wildcard_for_too_many(entry: Deviation) -> None:
    each = replace(entry, cases=("a.*",))
    check_wildcards([each], {f"a.{number}" for number in range(20)})
    with pytest.raises(HarnessError, match="a.* stands for 21 cases"):
        check_wildcards([each], {f"a.{number}" for number in range(21)})


def test_only_in_some_fleets(entry: Deviation) -> None:
    each = replace(entry, fleets=("mini+*",))
    assert entries_for([each], "a.b", "mini+tiny") == (each,)
    assert entries_for([each], "a.b", "tiny+mini") == ()


def test_listed_twice(entry: Deviation) -> None:
    with pytest.raises(HarnessError, match="a.b is listed twice"):
        entries_for([entry, replace(entry, cases=("a.*",))], "a.b", "mini")


def test_no_such_case(entry: Deviation) -> None:
    each = replace(entry, cases=("a.b", "a.?", "b.*"))
    assert find_stale([each], {"a.b"}) == [(each, "b.*")]


def test_skeletons_can_be_read(folder: Path) -> None:
    seen = replace(SEEN, message="got (1)\\x00\nmore")
    others = [replace(seen, id="a.c"), replace(seen, id="d", status=Status.CRASHED)]
    passed = replace(SEEN, id="e", status=Status.PASSED)
    file = folder / "deviations.toml"
    write_skeletons(file, [seen, *others, passed])
    text = file.read_text().replace('""', '"x"')  # what a person is to write
    file.write_text(text)
    crashed, failed = load(folder)
    assert (failed.cases, crashed.cases) == (("a.b", "a.c"), ("d",))
    assert judge(seen, [failed]).status is Status.KNOWN_DEVIATION


# ---- the command ------------------------------------------------------------


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *words], check=False, **CAPTURED)


def closing(done: subprocess.CompletedProcess[str]) -> str:
    """Give the last two lines: what else there is, what passed and failed."""
    return "\n".join(done.stdout.splitlines()[-2:])


def test_spoiled_sdk(spoil_tiny: SpoilTiny, tmp_path: Path) -> None:
    """What fails is written down, and known from then on."""
    folder = spoil_tiny(LPUSH)
    report, junit, draft = (tmp_path / name for name in ("r.json", "j.xml", "d.toml"))
    words: list[str | Path] = ["run", folder, "-k", "goes_behind_older"]
    done = run(*words, "--write-deviations", draft)
    assert done.returncode == 1
    text = draft.read_text().replace('""', '"puts-in-front"')
    (folder / "deviations.toml").write_text(text)
    done = run(*words, "--json", report, "--junit", junit)
    assert done.returncode == 0, done.stdout
    table = json.loads(report.read_text())
    known = [each for each in table["results"] if each["status"] == "known deviation"]
    assert known
    assert len(known) == table["summary"]["known deviation"]
    assert all(each["message"].startswith("puts-in-front: ") for each in known)
    assert table["requirements"]["REDIS-1"] == {"spoiled": "known deviation"}
    plural = "s" if len(known) > 1 else ""
    assert f"{len(known)} known deviation{plural}\n" in closing(done)
    assert "known deviation: puts-in-front\n" in done.stdout
    found = ElementTree.parse(junit).iter("testcase")  # noqa: S314 - our own
    skipped = [each.find("skipped") for each in found if len(each)]
    assert len(skipped) == len(known)
    assert all(
        each is not None and each.get("message", "").startswith("known deviation: ")
        for each in skipped
    )
    assert run(*words, "--without-deviations").returncode == 1


HANG = {"decode": [{"hang": True}]}
VECTOR = {"id": "a.b", "suite": "decode.value", "hex": "78", "expect": "reject"}


@pytest.mark.parametrize(
    ("plan", "change", "ending"),
    [
        (
            HANG,
            {"expect": "timed out", "message": "no reply to decode", "timeout": 0.3},
            "1 known deviation\n0 passed, 0 failed",
        ),
        (
            {"decode": [{"kill": 11}]},
            {"expect": "crashed", "message": "SIGSEGV"},
            "1 known deviation\n0 passed, 0 failed",
        ),
        ({"decode": [{"kill": 11}]}, {"message": "SIGSEGV"}, "0 passed, 1 failed"),
        (
            {"decode": [REFUSES]},
            {},
            "0 passed, 1 failed",
        ),
    ],
)
def test_miniature(
    make_adapter: MakeAdapter,
    tmp_path: Path,
    plan: dict[str, Any],
    change: dict[str, Any],
    ending: str,
) -> None:
    folder = make_adapter(plan)
    write_list(folder, {**ENTRY, **change})
    vectors, junit = tmp_path / "vectors.jsonl", tmp_path / "junit.xml"
    vectors.write_text(json.dumps(VECTOR))
    done = run("vectors", vectors, folder, "--junit", junit)
    assert closing(done).endswith(ending), done.stdout
    assert done.returncode == ("1 failed" in ending)
    (case,) = ElementTree.parse(junit).iter("testcase")  # noqa: S314 - our own
    tags = {each.tag for each in case}
    expected = {"skipped"} if "known" in ending else {"failure", "error"}
    assert tags & expected
    assert ("skipped" in tags) == ("known" in ending)


def test_crash_at_the_end_is_known(make_adapter: MakeAdapter) -> None:
    folder = make_adapter({"close": [{"kill": 6}]})
    write_list(
        folder,
        {
            **ENTRY,
            "cases": ["spec.scheduling.2"],
            "expect": "crashed",
            "message": "died of SIGABRT",
        },
    )
    done = run("run", folder, "-k", "spec.scheduling.2")
    assert closing(done) == "1 known deviation\n0 passed, 0 failed"


def test_entry_without_a_case_fails(make_adapter: MakeAdapter, tmp_path: Path) -> None:
    """One of mixed fleets or of the matrix may be for another run."""
    folder = make_adapter({"decode": [REFUSES]})
    names = ["no.such", "fleets.chain", "matrix.mini.c"]
    write_list(folder, {**ENTRY, "cases": names})
    vectors = tmp_path / "vectors.jsonl"
    vectors.write_text(json.dumps(VECTOR))
    command: list[str | Path] = [
        *(sys.executable, "-m", "pytest", "-c", CASES / "pytest.ini", "--tb=short"),
        *("-p", "brrr_conformance.plugin", "--adapter", folder, "--vectors", vectors),
        *(CASES / "wire.py", CASES / "fleets.py"),
    ]
    done = subprocess.run([*command, "--whole"], check=False, **CAPTURED)
    assert "there is no case no.such" in done.stdout
    assert "1 failed, 1 passed" in done.stdout
    done = subprocess.run(command, check=False, **CAPTURED)
    assert "1 passed" in done.stdout
    assert "failed" not in done.stdout


def test_wrong_list_is_wrong_usage(make_adapter: MakeAdapter) -> None:
    folder = make_adapter({})
    write_list(folder, {**ENTRY, "cases": ["decode.*"]})
    done = run("run", folder, "-k", "spec.wire.8")
    assert done.returncode == 2
    assert "decode.* stands for" in done.stdout + done.stderr
