# SPDX-License-Identifier: AGPL-3.0-only
"""Failure files: written, read back, refused; traces made smaller."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from brrr_conformance import failure as module
from brrr_conformance.checker import check
from brrr_conformance.failure import (
    Failure,
    events_of,
    file_name,
    read_failure,
    transcript,
)
from brrr_conformance.outcome import HarnessError, Status
from brrr_conformance.shrink import fewer, smaller
from tape import NOW, Error, Tape, defer, waiting

SCHEMA = Path(module.__file__).with_name("failure.schema.json")


def make(tape: Tape, **fields: Any) -> Failure:
    base: dict[str, Any] = {
        "case": "a.case[with-brackets]",
        "adapter": "mine",
        "adapters": [],
        "status": Status.FAILED,
        "message": "it broke 17 times",
        "requirements": [],
        "seed": 1,
        "began": float(NOW),
        "events": events_of(tape.trace),
    }
    return Failure(**{**base, **fields})


def recorded() -> Tape:
    tape = Tape()
    tape.serve()
    tape.begin()
    tape.invoke("p", defer("c"))
    tape.first()
    tape.do("GET", b"\x00\xff", reply=[b"\xfe\n", None, 7, [Error(b"no")]])
    tape.quiet()
    return tape


def test_round_trip(tmp_path: Path) -> None:
    tape = recorded()
    made = make(tape)
    made.write(tmp_path / "x.json")
    found = read_failure(tmp_path / "x.json")
    assert found == made
    frames = [(it.worker, it.connection, it.step) for it in found.trace.frames]
    assert frames == [(it.worker, it.connection, it.step) for it in tape.trace.frames]
    replies = [it.reply and it.reply.value for it in found.trace.frames]
    assert replies == [it.reply and it.reply.value for it in tape.trace.frames]
    asides = [(it.at, it.worker, it.what) for it in found.trace.asides]
    assert asides == [(it.at, it.worker, it.what) for it in tape.trace.asides]
    assert check(found.trace) == check(tape.trace) is not None


def test_transcript() -> None:
    lines = list(transcript(make(recorded())))
    assert any("> BLPOP t 20" in line for line in lines)
    assert any("the case: quiet" in line for line in lines)


def test_schema_does_not_drift() -> None:
    """To make it again: python -m brrr_conformance.failure."""
    assert json.loads(SCHEMA.read_text()) == Failure.model_json_schema()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"format": "brrr-failure/2"}, "format"),
        ({"seed": "one"}, "seed"),
        ({"colour": "red"}, "colour"),
        ({"events": [{"kind": "command"}]}, "events.0.command"),
        ({"events": [{"kind": "song"}]}, "events.0"),
    ],
)
def test_refused(change: dict[str, Any], place: str, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    whole = {**make(Tape()).model_dump(mode="json"), **change}
    file.write_text(json.dumps(whole))
    with pytest.raises(HarnessError, match=place):
        read_failure(file)


def test_reply_to_nothing(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    event = {"kind": "reply", "seconds": 0, "worker": "w", "connection": 1}
    whole = make(Tape()).model_dump(mode="json")
    whole["events"] = [{**event, "to": 5, "value": None}]
    file.write_text(json.dumps(whole))
    with pytest.raises(HarnessError, match="event 0"):
        _ = read_failure(file).trace


def test_names() -> None:
    assert file_name("wire.spec-1.2") == "wire.spec-1.2.json"
    odd = file_name("a/b[c d]" + "x" * 300)
    assert "/" not in odd
    assert len(odd) < 150
    assert odd != file_name("a/b[c d]" + "x" * 301)


def test_headline_is_the_same_in_another_run() -> None:
    first = make(Tape(), message="17 messages, 3 would do\nand more")
    assert first.headline == make(Tape(), message="18 messages, 2 would do").headline


# ---- smaller ----------------------------------------------------------------


def test_fewer() -> None:
    assert fewer(range(100), lambda it: 17 in it and 80 in it) == [17, 80]
    assert fewer([1, 2, 3], lambda _: True) == []


def test_smaller() -> None:
    value = {"order": [5, 900, 7, 2], "graph": {"a": [1], "b": [2, 3]}}

    def fails(it: Any) -> bool:
        return any(each > 100 for each in it["order"]) and "b" in it["graph"]

    left = smaller(value, lambda it: {"order", "graph"} <= it.keys() and fails(it))
    assert left == {"order": [101], "graph": {"b": []}}


def test_smaller_keeps_what_it_does_not_know() -> None:
    assert smaller({"x": "text", "y": True, "z": 1.5}, lambda it: len(it) == 3) == {
        "x": "text",
        "y": True,
        "z": 1.5,
    }


def test_waiting_is_what_the_rules_read() -> None:
    """The tape's own words, once: a mistake there would hide in every test."""
    assert waiting(("r", "p", "t"), at=5) == (
        b"d7:returnslli1e1:r1:p1:tee12:scheduled_ati5ee"
    )
