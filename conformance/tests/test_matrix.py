# SPDX-License-Identifier: AGPL-3.0-only
"""The matrix, as a user sees it: SDKs that agree, one that does not, one missing."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from brrr_conformance.matrix.fleet import make_graphs
from brrr_conformance.matrix.pairs import PAIR
from brrr_conformance.matrix.weather import make_faults, make_program
from brrr_conformance.program import Oracle

if TYPE_CHECKING:
    from conftest import MakeAdapter, SpoilTiny

COMMAND = Path(sys.executable).parent / "brrr-conformance"
TINY = Path(__file__).resolve().parents[2] / "adapters" / "tiny"

# Values are written in upper case; so only who reads its own children notices.
SHOUTS = """
finish = tiny.Worker.finish
async def finish_loudly(self, job, value):
    await finish(self, job, value.upper())
tiny.Worker.finish = finish_loudly
"""
# What pairs and the fleet say; the other parts have tests of their own.
TOGETHER = [
    f"--only={each}"
    for each in ("matrix.tiny.*", "matrix.spoiled.*", "matrix.mini.*", "matrix.fleet")
]
CLAIMS = ["wire", "client", "worker", "codec-json", "durable", "program"]
NOT_THERE: dict[str, Any] = {
    "open": [{"reply": {"failure": {"code": "NOT_IMPLEMENTED", "reason": "no SDK"}}}]
}


def play(
    report: Path, *words: str | Path
) -> tuple[subprocess.CompletedProcess[str], Any]:
    done = subprocess.run(
        [COMMAND, "matrix", *words, "--json", report],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done, json.loads(report.read_text())


def statuses(table: Any) -> dict[tuple[str, str], str]:
    return {(each["caller"], each["callee"]): each["status"] for each in table["pairs"]}


def test_graphs() -> None:
    """The same for a seed, other ones for another; some calls have two parents."""
    graphs = make_graphs(1, 20)
    assert [each.nodes for each in graphs] == [
        each.nodes for each in make_graphs(1, 20)
    ]
    assert graphs[0].nodes != make_graphs(2, 1)[0].nodes
    names = [name for graph in graphs for name in graph.nodes]
    assert len(names) == len(set(names))
    assert any(graph.edges >= len(graph.nodes) for graph in graphs)


def test_pair_goes_both_ways() -> None:
    """On each topic there is a call that waits for one of the other topic."""
    topics = {name: node.topic for name, node in PAIR.nodes.items()}
    ways = {
        (node.topic, topics[child])
        for node in PAIR.nodes.values()
        for child in node.children
    }
    assert len(ways) == 4


def test_two_that_agree(spoil_tiny: SpoilTiny, tmp_path: Path) -> None:
    words: list[str | Path] = [TINY, spoil_tiny(""), "--graphs", "10", "--seed", "5"]
    words += TOGETHER
    done, table = play(tmp_path / "new" / "report.json", *words)
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("5 passed, 0 failed\n")
    assert (table["schema"], table["kind"]) == (1, "matrix")
    names = ("tiny", "spoiled")
    assert statuses(table) == {(a, b): "passed" for a in names for b in names}
    fleet = table["fleet"]
    assert (fleet["status"], fleet["graphs"], fleet["seed"]) == ("passed", 10, 5)
    assert sorted(fleet["handled"]) == ["spoiled", "tiny"]
    assert sum(fleet["handled"].values()) == fleet["messages"] > fleet["calls"]
    assert [each["name"] for each in table["adapters"]] == list(names)
    assert table["summary"]["total"] == table["summary"]["passed"] == 5


def test_one_that_spoils_values(spoil_tiny: SpoilTiny, tmp_path: Path) -> None:
    words: list[str | Path] = [TINY, spoil_tiny(SHOUTS), "--graphs", "2"]
    words += TOGETHER
    done, table = play(tmp_path / "report.json", *words)
    assert done.returncode == 1
    assert statuses(table) == {
        ("tiny", "tiny"): "passed",
        ("tiny", "spoiled"): "failed",
        ("spoiled", "tiny"): "failed",
        ("spoiled", "spoiled"): "failed",
    }
    assert "FAILED matrix.tiny.spoiled: " in done.stdout
    assert "worker-1 is of tiny, worker-2 is of spoiled" in done.stdout
    assert table["fleet"]["status"] == "failed"
    assert done.stdout.endswith("1 passed, 4 failed\n")


def test_one_that_is_not_installed(make_adapter: MakeAdapter, tmp_path: Path) -> None:
    """Its cells say so; the fleet works without it, and does not read as passed."""
    words: list[str | Path] = [TINY, make_adapter(NOT_THERE), "--graphs", "2"]
    words += TOGETHER
    done, table = play(tmp_path / "report.json", *words)
    assert done.returncode == 0
    assert statuses(table)["tiny", "tiny"] == "passed"
    assert list(statuses(table).values()).count("not implemented") == 3
    fleet = table["fleet"]
    assert (fleet["status"], fleet["message"]) == (
        "not implemented",
        "without mini: passed",
    )
    assert done.stdout.endswith("4 not implemented\n1 passed, 0 failed\n")


@pytest.mark.parametrize("profiles", [["wire"], []])
def test_nobody_can(
    make_adapter: MakeAdapter, tmp_path: Path, profiles: list[str]
) -> None:
    folder = make_adapter({}, profiles=profiles)
    done, table = play(tmp_path / "report.json", folder, *TOGETHER)
    assert (done.returncode, table["fleet"]["message"]) == (5, "nobody is there")
    assert "mini does not claim client, worker" in done.stdout


def test_known_deviation(spoil_tiny: SpoilTiny, tmp_path: Path) -> None:
    folder = spoil_tiny(SHOUTS)
    (folder / "deviations.toml").write_text(
        "[[deviation]]\n"
        'cases = ["matrix.spoiled.spoiled", "matrix.fleet"]\n'
        'requirements = ["RET-1"]\ndefect = "loud"\nreason = "shouts"\n'
        'message = "values are wrong"\n'
    )
    done, table = play(tmp_path / "report.json", folder, "--graphs", "2", *TOGETHER)
    assert done.returncode == 0, done.stdout
    assert table["summary"]["known deviation"] == 2
    assert done.stdout.endswith("2 known deviations\n0 passed, 0 failed\n")


def test_process_that_dies(make_adapter: MakeAdapter, tmp_path: Path) -> None:
    folder = make_adapter({"schedule": [{"stderr": "last words"}, {"kill": 11}]})
    done, table = play(tmp_path / "report.json", folder, "--graphs", "1", *TOGETHER)
    assert done.returncode == 1
    assert statuses(table) == {("mini", "mini"): "crashed"}
    assert "last words" in table["pairs"][0]["message"]


# ---- records and hashes -----------------------------------------------------


def claims(folder: Path, profiles: list[str]) -> Path:
    """Let an adapter claim these profiles."""
    file = folder / "adapter.toml"
    lines = [
        f"profiles = {json.dumps(profiles)}" if line.startswith("profiles") else line
        for line in file.read_text().splitlines()
    ]
    file.write_text("\n".join(lines) + "\n")
    return folder


# Returns are written in the order in which they were given.
UNSORTED = """
tiny.Encoder.returns = lambda self, value: [self.layout(it) for it in value]
"""
# A root_id is read in lower case.
LOWERS = """
text = tiny.Decoder.text
tiny.Decoder.text = lambda self, *rest: text(self, *rest).replace("/", "")
"""
# Hashes are those of another function.
SHA1 = """
import codec, hashlib
encode_call = codec.Codec.encode_call
def encode(self, task_name, args):
    payload, _ = encode_call(self, task_name, args)
    return payload, hashlib.sha1(task_name.encode() + payload).hexdigest()
codec.Codec.encode_call = encode
"""


def readings(table: Any) -> dict[tuple[str, str], str]:
    return {(it["writer"], it["reader"]): it["status"] for it in table["records"]}


def test_who_writes_otherwise(spoil_tiny: SpoilTiny, tmp_path: Path) -> None:
    """It fails once, against the specification; nobody is asked to read it."""
    words: list[str | Path] = [TINY, spoil_tiny(UNSORTED), "--only", "matrix.records.*"]
    done, table = play(tmp_path / "report.json", *words)
    assert done.returncode == 1
    bad = [names for names, status in readings(table).items() if status != "passed"]
    assert bad == [("spoiled", "spec")]
    (found,) = [it for it in table["records"] if it["disagreements"]]
    kinds = {it["kind"] for it in found["disagreements"]}
    assert kinds == {"PendingReturns"}
    many = next(it for it in found["disagreements"] if it["name"] == "many")
    assert bytes.fromhex(many["octets"]).startswith(b"d7:returnsl")
    assert "PendingReturns many: d7:returnsl" in done.stdout


def test_who_reads_otherwise(spoil_tiny: SpoilTiny, tmp_path: Path) -> None:
    """Whoever has written it, this one does not read it as it was meant."""
    words: list[str | Path] = [TINY, spoil_tiny(LOWERS), "--only", "matrix.records.*"]
    done, table = play(tmp_path / "report.json", *words)
    bad = [names for names, status in readings(table).items() if status == "failed"]
    assert ("tiny", "spoiled") in bad
    assert not {("tiny", "tiny"), ("tiny", "spec")} & set(bad)
    assert "spoiled reads " in done.stdout


@pytest.mark.parametrize("claimed", [True, False])
def test_who_hashes_otherwise(
    spoil_tiny: SpoilTiny, tmp_path: Path, claimed: bool
) -> None:
    """Who claims the codec fails; who does not is shown, and has not passed."""
    profiles = [each for each in CLAIMS if claimed or each != "codec-json"]
    folder = claims(spoil_tiny(SHA1), profiles)
    words: list[str | Path] = [TINY, folder, "--only", "matrix.codec.*"]
    done, table = play(tmp_path / "report.json", *words)
    found = {it["adapter"]: it for it in table["codec"]["adapters"]}
    assert found["tiny"]["status"] == "passed"
    assert found["spoiled"]["status"] == ("failed" if claimed else "not implemented")
    assert len(found["spoiled"]["others"]) > 40
    (zero,) = [it for it in table["codec"]["calls"] if it["name"] == "zero"]
    assert zero["hashes"]["tiny"] == zero["due"] != zero["hashes"]["spoiled"]
    assert " zero " in done.stdout


# ---- storms -----------------------------------------------------------------

# A message is acknowledged as soon as it was taken.
FORGETS = """
handle = durable.DurableWorker.handle
async def acknowledge_first(self, message):
    await self.done(message, None)
    return await handle(self, message)
durable.DurableWorker.handle = acknowledge_first
"""


def test_faults() -> None:
    """The same for a seed; a durable fleet meets no errors."""
    for seed in range(50):
        made = [
            make_faults(random.Random(seed), durable=True, restarts=True)  # noqa: S311
            for _ in range(2)
        ]
        assert made[0] == made[1]
        assert {it.what for it in made[0]} >= {"killed-after", "restart"}
        assert "error" not in {it.what for it in made[0]}


def test_programs_of_storms() -> None:
    """They share calls, and go over both topics."""
    programs = [
        make_program(random.Random(seed), 12)  # noqa: S311 - the same each time
        for seed in range(20)
    ]
    oracles = [Oracle(each) for each in programs]
    assert all(set(it.topics) <= {"t", "größe/:"} for it in oracles)
    assert sum(len(it.topics) == 2 for it in oracles) > 10
    asked = [sum(len(it.children) for it in each.played.values()) for each in oracles]
    assert any(asked[at] > len(each.played) for at, each in enumerate(oracles))


def test_storms_of_one_that_does_it_right(
    spoil_tiny: SpoilTiny, tmp_path: Path
) -> None:
    words: list[str | Path] = [TINY, claims(spoil_tiny(""), CLAIMS), "--storms", "1"]
    page = tmp_path / "page.html"
    words += ["--only=matrix.storm.*", "--html", page]
    done, table = play(tmp_path / "report.json", *words)
    assert done.returncode == 0, done.stdout
    assert "matrix.storm.durable.1" in page.read_text()
    weak, durable = table["storms"]
    assert (weak["delivery"], durable["delivery"]) == ("at-most-once", "durable")
    assert durable["finished"] == durable["roots"] == 9
    assert all(len(it["faults"]) >= 3 for it in table["storms"])
    assert weak["adapters"] == ["tiny", "spoiled"]


def test_storm_of_one_that_loses(spoil_tiny: SpoilTiny, tmp_path: Path) -> None:
    words: list[str | Path] = [TINY, claims(spoil_tiny(FORGETS), CLAIMS)]
    words += ["--only=matrix.storm.durable.1"]
    done, table = play(tmp_path / "report.json", *words)
    assert (done.returncode, table["storms"][0]["status"]) == (1, "failed")


def test_storm_of_wrong_values_and_its_replay(
    spoil_tiny: SpoilTiny, tmp_path: Path
) -> None:
    """Values in capitals are found out; the file plays it again on both."""
    both = [TINY, claims(spoil_tiny(SHOUTS), CLAIMS)]
    words: list[str | Path] = [*both, "--only", "matrix.storm.durable.1"]
    done, table = play(tmp_path / "report.json", *words)
    assert done.returncode == 1
    (storm,) = table["storms"]
    assert storm["status"] == "failed"
    (file,) = (tmp_path / "failures" / "matrix").glob("*.json")
    assert json.loads(file.read_text())["recipe"]["faults"]
    adapters = [word for each in both for word in ("--adapter", str(each))]
    again = subprocess.run(
        [COMMAND, "replay", str(file), *adapters],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert again.returncode == 1, again.stdout + again.stderr
    assert "still fails" in again.stdout


@pytest.mark.parametrize("seed", range(40))
def test_storms_ask_for_a_call_on_one_topic(seed: int) -> None:
    """Else SDKs may differ in which topic they take [SCHED-29]."""
    chance = random.Random(seed)  # noqa: S311 - the same program each time
    program = make_program(chance, 16)
    for node in program.nodes:
        topics: dict[str, set[str]] = {}
        for step in node.get("do", []):
            for edge in map(program.edge, step):
                topics.setdefault(edge.call.hash, set()).add(edge.topic)
        assert all(len(each) == 1 for each in topics.values())
