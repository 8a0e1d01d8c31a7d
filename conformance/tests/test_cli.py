# SPDX-License-Identifier: AGPL-3.0-only
"""The command, as a user types it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import jsonschema
import pytest

import brrr_conformance
from brrr_conformance.config import Profile

if TYPE_CHECKING:
    from brrr_conformance.server import Server
    from conftest import MakeAdapter, OwnCases, SpoilTiny

COMMAND = Path(sys.executable).parent / "brrr-conformance"
TINY = Path(__file__).resolve().parents[2] / "adapters" / "tiny"
REFUSES = {"reply": {"failure": {"code": "REFUSED", "reason": "no"}}}
FOREIGN = {"reply": {"failure": {"code": "UNEXPECTED", "reason": "KeyError"}}}

VECTORS = [
    {"id": "bad", "suite": "decode.value", "hex": "78", "expect": "reject"},
    {
        "id": "good",
        "suite": "decode.value",
        "hex": "6c65",
        "expect": "accept",
        "requirements": ["WIRE-10"],
        "note": "an empty list",
    },
    {
        "id": "strict",
        "suite": "decode.value",
        "hex": b"d1:b0:1:a0:e".hex(),
        "expect": "reject",
        "level": 2,
    },
]


def call(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTEST_ADDOPTS": "--nonsense"},  # nobody's but ours
    )


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout.rstrip("\n").rpartition("\n")[2]


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    file = tmp_path / "vectors.jsonl"
    file.write_text("\n".join(map(json.dumps, VECTORS)))
    return file


# ---- vectors ----------------------------------------------------------------


def test_vectors_that_pass(vectors: Path) -> None:
    done = call("vectors", vectors, TINY)
    assert (done.returncode, last_line(done)) == (0, "3 passed, 0 failed")


def test_vectors_that_fail(vectors: Path, make_adapter: MakeAdapter) -> None:
    done = call("vectors", vectors, make_adapter({"decode": [REFUSES]}))
    assert (done.returncode, last_line(done)) == (1, "2 passed, 1 failed")
    assert "FAILED mini: good\nrejected: no\n" in done.stdout
    assert "[WIRE-10] A decoder MUST accept every value" in done.stdout


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ({"kill": 11}, "crashed"),
        ({"hang": True}, "timed out"),
        ({"raw": "oops\n"}, "harness error"),
        (FOREIGN, "failed"),
    ],
)
def test_no_misconduct_is_a_rejection(
    vectors: Path, make_adapter: MakeAdapter, tmp_path: Path, action: Any, status: str
) -> None:
    report = tmp_path / "report.json"
    adapter = make_adapter({"decode": [{"stderr": "last words"}, action]}, timeout=1.0)
    done = call("vectors", vectors, adapter, "--json", report)
    assert (done.returncode, last_line(done)) == (1, "0 passed, 3 failed")
    results = json.loads(report.read_text())["results"]
    assert [each["status"] for each in results] == [status] * 3
    assert all("last words" in each["message"] for each in results)


def test_dies_when_it_is_to_end(make_adapter: MakeAdapter, tmp_path: Path) -> None:
    """A crash at Close is that of the case, whatever it has found before."""
    report = tmp_path / "report.json"
    adapter = make_adapter({"close": [{"kill": 6}]})
    done = call("run", adapter, "-k", "spec.scheduling.2", "--json", report)
    (result,) = json.loads(report.read_text())["results"]
    assert (done.returncode, result["status"]) == (1, "crashed")
    assert result["message"].startswith("mini died of SIGABRT")


def test_level_that_is_not_claimed(vectors: Path, make_adapter: MakeAdapter) -> None:
    accepts = {"reply": {"decoded": {"reencoded": "bGU="}}}
    adapter = make_adapter({"decode": [accepts]}, level=1)
    done = call("vectors", vectors, adapter)
    assert (done.returncode, last_line(done)) == (1, "1 passed, 1 failed")
    assert "mini: 1 not implemented: level 2 is not claimed" in done.stdout


def test_nothing_passed_is_not_green(vectors: Path, make_adapter: MakeAdapter) -> None:
    done = call("vectors", vectors, make_adapter({}, profiles=["client"]))
    assert (done.returncode, last_line(done)) == (5, "0 passed, 0 failed")
    assert "mini: 3 not implemented: mini does not claim wire" in done.stdout


def test_bad_file(tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{"id": "a"}\n')
    done = call("vectors", file, TINY)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"brrr-conformance: {file}:1: no 'suite'\n"


# ---- run --------------------------------------------------------------------


def test_reports(tmp_path: Path) -> None:
    report, junit = tmp_path / "new" / "report.json", tmp_path / "junit.xml"
    words = ["-k", "spec.scheduling", "--json", str(report), "--junit", str(junit)]
    page = tmp_path / "new" / "report.html"
    done = call("run", TINY, *words, "--html", page)
    assert done.returncode == 0
    table = json.loads(report.read_text())
    number = len(table["results"])
    assert table["schema"] == 1
    assert [each["name"] for each in table["adapters"]] == ["tiny"]
    assert number == table["summary"]["passed"] > 10
    assert last_line(done) == f"{number} passed, 0 failed"
    keys = {"id", "adapter", "status", "requirements", "seconds", "message", "explored"}
    assert all(each.keys() == keys for each in table["results"])
    assert table["requirements"]["SCHED-12"] == {"tiny": "passed"}
    cases = list(ElementTree.parse(junit).iter("testcase"))  # noqa: S314 - our own
    assert len(cases) == number
    assert f"report: {page}\n" in done.stdout
    schema = Path(brrr_conformance.__file__).parent / "report.schema.json"
    jsonschema.validate(table, json.loads(schema.read_text()))
    texts = {each["text"] for it in table["transcripts"] for each in it["events"]}
    assert "put on topic-u: (root1, c)" in texts
    again = tmp_path / "again.html"
    assert call("report", report, "--html", again).returncode == 0
    assert again.read_bytes() == page.read_bytes()


def test_selection(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    call("run", TINY, "-k", "RET-5", "--profile", "worker", "--json", report)
    results = json.loads(report.read_text())["results"]
    assert results
    assert all("RET-5" in each["requirements"] for each in results)


def test_mixed_fleet(tmp_path: Path, spoil_tiny: SpoilTiny) -> None:
    report = tmp_path / "report.json"
    other = spoil_tiny("")
    done = call("run", TINY, other, "--profile", "fleet", "--json", report)
    assert done.returncode == 0, done.stdout
    names = {each["adapter"] for each in json.loads(report.read_text())["results"]}
    assert names == {"tiny+spoiled", "spoiled+tiny"}


def test_declared_as_not_implemented(make_adapter: MakeAdapter, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    folder = make_adapter({})
    with (folder / "adapter.toml").open("a") as file:
        file.write('[not_implemented]\n"SCHED-5" = "nobody reads"\n')
    call("run", folder, "-k", "spec.scheduling.3", "--json", report)
    (result,) = json.loads(report.read_text())["results"]
    assert result["status"] == "not implemented"
    assert result["message"] == "SCHED-5: nobody reads"


async def test_redis_of_the_user(server: Server) -> None:
    url = f"redis://127.0.0.1:{server.port}/3"
    done = call("run", TINY, "-k", "spec.scheduling.1", "--redis", url)
    assert done.returncode == 0, done.stdout + done.stderr
    await server.redis.set("precious", b"1")
    url = f"redis://127.0.0.1:{server.port}/0"
    done = call("run", TINY, "-k", "spec.scheduling.1", "--redis", url)
    assert done.returncode == 2
    assert "holds 1 keys" in done.stdout + done.stderr
    assert await server.redis.get("precious") == b"1"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "/none"], 2, "/none: No such file or directory"),
        (["run", TINY, TINY], 2, "two adapters of one name"),
        (["run", TINY, "--profile", "all"], 2, "invalid choice: 'all'"),
        (["run", TINY, "-k", "no_such_case"], 5, "0 passed, 0 failed"),
        (["run"], 2, "Missing argument"),
        (["vectors", "/none", TINY], 2, "/none"),
        (["explain", "SHED-12"], 2, "did you mean SCHED-12"),
        (["nonsense"], 2, "No such command"),
        (["report", "/none", "--html", "x"], 2, "/none: No such file"),
        (["report", "/none"], 2, "give --html FILE or --junit FILE"),
        (["diff", "/none", "/none"], 2, "/none: No such file"),
        (["run", TINY, "--mutants", "/none", "--html", "x"], 2, "/none: No such"),
    ],
)
def test_wrong_usage(words: list[str | Path], code: int, said: str) -> None:
    done = call(*words)
    assert done.returncode == code
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


# ---- list, explain ----------------------------------------------------------


def test_list() -> None:
    done = call("list")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert re.search(
        r"^client +spec\.scheduling\.1 +SCHED-1 ", done.stdout, re.MULTILINE
    )
    assert len(lines) > 700
    assert all(line.split()[0] in {*Profile, "fleet"} for line in lines)


def test_explain() -> None:
    done = call("explain", "sched-12")
    assert done.returncode == 0
    assert "SCHED-12, level 1: Scheduling" in done.stdout
    assert "When the count is above 10 000" in done.stdout
    assert "spec.scheduling.13" in done.stdout


def test_store_without_its_jars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRRR_DYNAMODB", str(tmp_path))
    done = call("run", TINY, "--store", "dynamodb", "-k", "reading")
    assert done.returncode == 2
    assert "make dynamodb" in done.stderr


def test_worker_that_lives_on(spoil_tiny: SpoilTiny) -> None:
    """A worker that lives on in secret is found, and hurts no other case."""
    code = """
execute = adapter.Adapter.execute
async def linger():
    while True:
        await asyncio.sleep(0.001)
        await redis.asyncio.Redis.from_url(URL).ping()
async def execute_spoiled(self, number, name, it):
    global URL, tasks
    reply = await execute(self, number, name, it)
    if name == "close" and self.brrr:
        port = self.brrr.redis.connection_pool.connection_kwargs["port"]
        URL = f"redis://127.0.0.1:{port}"
        tasks = [asyncio.create_task(linger())]
    return reply
adapter.Adapter.execute = execute_spoiled
"""
    folder = spoil_tiny("import redis.asyncio" + code)
    done = call("run", folder, "-k", "scheduling and SCHED-1")
    assert done.returncode == 1, done.stdout
    assert "connected to Redis after the Done of an earlier Close" in done.stdout


OVER = """
import asyncio, pytest
pytestmark = [pytest.mark.profile("client"), pytest.mark.requirement("SCHED-5")]

@pytest.mark.deadline(6)
async def test_works_on(world):
    while True:
        await world.read("h")

@pytest.mark.deadline(6)
async def test_stands_still(world):
    await world.read("h")
    await asyncio.sleep(60)

async def test_has_nothing_to_do(world):
    pass
"""


def test_case_that_is_not_over(own_cases: OwnCases) -> None:
    """Whether it was too slow, or has got stuck, is told; -k may be said twice."""
    command = own_cases(OVER, "-k", "works_on", "-k", "stands and still", "--jobs", "1")
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.count("TIMED OUT") == 2, done.stdout
    goes_on = r"over after 6 s, though it goes on: [1-9]\d* frames in its last second"
    assert re.search(goes_on, done.stdout)
    assert "over after 6 s, and nothing has come to Redis in its last" in done.stdout
    assert done.stdout.endswith("\n0 passed, 2 failed\n")
