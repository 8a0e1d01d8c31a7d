# SPDX-License-Identifier: AGPL-3.0-only
"""A small report with every kind of ending, and hostile text wherever it fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from brrr_conformance.case import Case
from brrr_conformance.outcome import Status
from brrr_conformance.report import Outcome, Results, make_report
from brrr_conformance.spec import Requirement, Spec

# Ends a script, loads an image, runs code; NUL, bidi controls, a lone surrogate.
HOSTILE = (
    "</script><img src=http://127.0.0.1:9/x onerror=\"document.title='owned'\">"
    "\x00\u202egnp.exe\u2066\ud800 {{ 7*7 }} `|<b>'\"]]>"
)

TITLES = {"wire": "Wire: a dialect", "scheduling": "Scheduling", "joins": "Cheap joins"}
SENTENCES = {
    "WIRE-5": "An encoder MUST refuse `text` that is not well-formed. A surrogate.",
    "WIRE-10": "A decoder MUST accept every value that the grammar allows ([WIRE-5]).",
    "SCHED-1": "A client that schedules a call whose value exists MUST write nothing.",
    "SCHED-12": "When the count is above 10 000, no message MUST be put.",
    "WORK-7": "After a report, a worker MUST either end or take the next message.",
    "SCHED-28": "The worker MUST NOT put a child that has a record in any other case.",
    "RET-2": "For each pending return, a worker MUST put a message.",
    "RET-4": "A worker MUST remove the record only against the exact octets.",
    "WORK-20": "A worker that does not invoke the handler MUST return all the same.",
}
ADAPTERS = ("c", "tiny")
CASES = {
    "returning.one_parent": ("RET-2", "RET-4"),
    f"hostile.{HOSTILE}": ("WIRE-5",),
    "serving.stops": ("WORK-7",),
    "limits.at_the_limit": ("SCHED-12",),
    "scheduling.first": ("SCHED-1",),
    "registering.late": ("SCHED-28",),
    "joins.cheap": ("WORK-20",),
}
ENDINGS = {
    ("hostile." + HOSTILE, "tiny"): (Status.FAILED, f"{HOSTILE}\nframes:\n  1 > x"),
    ("serving.stops", "tiny"): (Status.CRASHED, "tiny died of SIGSEGV"),
    ("limits.at_the_limit", "tiny"): (Status.TIMED_OUT, "no reply within 2 s"),
    ("scheduling.first", "c"): (Status.HARNESS_ERROR, "KeyError in the runner"),
    ("registering.late", "tiny"): (
        Status.KNOWN_DEVIATION,
        "004-children-are-put-again-with-every-run: puts its child again\n+ LIST u",
    ),
    ("joins.cheap", "c"): (Status.NOT_IMPLEMENTED, "no joins yet"),
}
VECTORS = 40
# Which command of the transcript each event is, or answers.
COMMANDS = (-1, 0, 0, -1, -1, 1, -1, 0, -1)


def sample_spec() -> Spec:
    requirements = []
    for number, (name, text) in enumerate(SENTENCES.items()):
        chapter = {"WIRE": "wire"}.get(name.partition("-")[0], "scheduling")
        chapter = "joins" if name == "WORK-20" else chapter
        requirements.append(Requirement(name, 1, chapter, text, number + 1))
    return Spec(Path(), tuple(requirements), (), TITLES)


def sample_results() -> Results:
    results = Results()
    for name, requirements in CASES.items():
        module = name.partition(".")[0]
        results.cases[name] = Case(
            name, module, "worker", requirements, f"About {name}"
        )
        for adapter in ADAPTERS:
            status, message = ENDINGS.get((name, adapter), (Status.PASSED, ""))
            results.add(Outcome(name, adapter, requirements, status, 0.25, message))
    for number in range(VECTORS):
        name = f"decode.Call/vector-{number}"
        results.cases[name] = Case(name, "wire", "wire", ("WIRE-10",), "a vector")
        for adapter in ADAPTERS:
            results.add(Outcome(name, adapter, ("WIRE-10",), seconds=0.001))
    name = "fleets.chain"
    results.cases[name] = Case(name, "fleets", "fleet", ("SCHED-1",), "A chain.")
    results.add(Outcome(name, "c+tiny", ("SCHED-1",)))
    for case in ("returning.one_parent", "hostile." + HOSTILE):
        for adapter in ADAPTERS:
            results.transcripts[case, adapter] = _transcript()
    return results


def _transcript() -> dict[str, Any]:
    events = [
        ("connected", "worker-1", "opens connection 1"),
        ("command", "worker-1", "wait for a message on t"),
        ("reply", "worker-1", "(root1, c)"),
        ("invoked", "worker-1", f"c: {HOSTILE}()"),
        ("answered", "worker-1", "value 1"),
        ("command", "worker-2", "read pending_returns/c"),
        ("fault", "worker-2", "cut before"),
        ("reply", "worker-1", "nothing"),
        ("problem", "worker-2", "BACKEND: lost"),
    ]
    return {
        "seed": 7,
        "recipe": {"schedule": [0, 1, HOSTILE]},
        "left_out": 12,
        "first": 4,
        "events": [
            {"at": 1.5 * at, "who": who, "kind": kind, "text": text, "command": number}
            for at, ((kind, who, text), number) in enumerate(
                zip(events, COMMANDS, strict=True)
            )
        ],
    }


def describe(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "folder": f"adapters/{name}",
        "language": "C" if name == "c" else HOSTILE,
        "sdk": f"sdk of {name}",
        "version": "1",
        "level": 2,
        "framing": "json",
        "profiles": ["worker"],
        "delivery": "durable",
        "not_implemented": {},
    }


def sample_report() -> dict[str, Any]:
    report = make_report(
        sample_results(),
        map(describe, ADAPTERS),
        sample_spec(),
        12.5,
        started="2026-01-02T03:04:05+00:00",
        store="redis",
        seed=7,
    )
    mutants = [
        {
            "name": f"mutant-{HOSTILE}",
            "requirement": "RET-4",
            "about": "forgets to remove",
            "killed": killed,
            "by": ["returning.one_parent"] if killed else [],
            "seconds": 1.0,
        }
        for killed in (True, False)
    ]
    report["results"][0]["explored"] = {
        "runs": 1300,
        "distinct": 1234,
        "exhausted": True,
        "diverged": 0,
        "seed": 1,
    }
    return {**report, "mutants": mutants}
