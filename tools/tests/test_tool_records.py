# SPDX-License-Identifier: AGPL-3.0-only
"""The tool `brrr`: decode and encode, as a user calls them."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from programs import Tool, built

if TYPE_CHECKING:
    from pathlib import Path

MESSAGE = b"li2e5:root16:c1hashe"

RECORDS: list[tuple[str, bytes, dict[str, Any]]] = [
    ("ScheduleMessage", MESSAGE, {"root_id": "root1", "call_hash": "c1hash"}),
    (
        "PendingReturn",
        b"li1e5:root110:parenthash7:topic-te",
        {"root_id": "root1", "call_hash": "parenthash", "topic": "topic-t"},
    ),
    (
        "PendingReturns",
        b"d7:returnslli1e1:r1:h1:teee",
        {"returns": [{"root_id": "r", "call_hash": "h", "topic": "t"}]},
    ),
    (
        "PendingReturns",
        b"d7:returnsle12:scheduled_ati7ee",
        {"returns": [], "scheduled_at": 7},
    ),
    (
        "Call",
        b'd7:payload7:[1,"x"]9:task_name4:leafe',
        {"task_name": "leaf", "payload": '[1,"x"]'},
    ),
    (
        "Call",
        b"d7:payload2:\x00\xff9:task_name0:e",
        {"task_name": "", "payload": {"hex": "00ff"}},
    ),
    (
        "DeadLetter",
        b"d2:ati1795489157e7:message5:hello6:reason25:not a list [REC-20], at 0e",
        {
            "at": 1795489157,
            "message": "hello",
            "reason": "not a list [REC-20], at 0",
        },
    ),
]


@pytest.mark.parametrize(("name", "octets", "value"), RECORDS)
def test_both_ways(
    tool: Tool, tmp_path: Path, name: str, octets: bytes, value: dict[str, Any]
) -> None:
    file = tmp_path / "record"
    file.write_bytes(octets)
    want = {"record": name, **value}
    assert json.loads(tool.out("decode", stdin=octets)) == want
    assert json.loads(tool.out("decode", "-", stdin=octets)) == want
    assert json.loads(tool.out("decode", str(file))) == want
    assert json.loads(tool.out("decode", name.lower(), str(file))) == want
    assert tool.out("encode", name, json.dumps(value)) == octets
    assert tool.out("encode", name, json.dumps(want)) == octets
    assert tool.out("encode", name, stdin=json.dumps(want).encode()) == octets


@pytest.mark.parametrize(
    ("octets", "want"),
    [
        (b"", "offset 0: "),
        (b"hello", "offset 0: [WIRE-"),
        (b"le", "offset 0: no record begins like this"),
        (MESSAGE + b"x", "offset 20: [WIRE-14]"),
        (b"li2e5:root16:c1ha\nhe", "offset 17: [REC-42]"),
        (b"li2e05:root16:c1hashe", "offset 4: [WIRE-17]"),
        (b"d2:ati1e7:message1:x6:reason1:ye"[:-1], "offset 31: [WIRE-"),
        (b"d2:ati1e7:message1:x6:reasonx1:ye", "offset 28: [WIRE-"),
        (b"d2:ati1e7:massage1:x6:reason1:ye", "offset 8: [REDIS-40]"),
    ],
)
def test_refused_octets(tool: Tool, octets: bytes, want: str) -> None:
    done = tool.run("decode", stdin=octets, status=1)
    assert want in done.stderr.decode()
    assert done.stdout == b""


def test_place_is_marked(tool: Tool) -> None:
    lines = tool.error("decode", stdin=b"li2e\xff5:root16:c1hashe", status=1)
    _, shown, mark = lines.splitlines()
    assert shown == r"  li2e\xff5:root16:c1hashe"
    assert mark == " " * shown.index(r"\xff") + "^"
    long = b"d7:payload1000:" + b"x" * 1000 + b"9:task_name01:ye"
    lines = tool.error("decode", stdin=long, status=1)
    assert "offset 1026: [WIRE-17]" in lines
    _, shown, mark = lines.splitlines()
    assert shown[mark.index("^") :].startswith("01:ye")
    assert len(shown) < 80


@pytest.mark.parametrize(
    ("name", "text", "want"),
    [
        ("Call", "{", "not JSON"),
        ("Call", "[]", "no object"),
        ("Call", '{"task_name": "x"}', "payload is missing"),
        ("Call", '{"task_name": 1, "payload": ""}', "task_name is neither"),
        ("Call", '{"task_name": {"hex": "0"}, "payload": ""}', "task_name is neither"),
        ("Call", '{"task_name": "", "payload": "", "x": 1}', "not known"),
        ("Call", '{"record": "PendingReturn"}', "names another"),
        ("ScheduleMessage", '{"root_id": "", "call_hash": "\u00fc"}', "[REC-10]"),
        ("Call", '{"task_name": {"hex": "ff"}, "payload": ""}', "["),
        ("PendingReturns", '{"returns": 1}', "returns is no list"),
        ("PendingReturns", '{"returns": [], "scheduled_at": -1}', "[REC-9]"),
        ("PendingReturns", '{"returns": [], "scheduled_at": 1.5}', "no integer"),
    ],
)
def test_refused_json(tool: Tool, name: str, text: str, want: str) -> None:
    assert want in tool.error("encode", name, text, status=1)


def test_huge_input(tool: Tool) -> None:
    size = 32 << 20
    call = b"d7:payload%d:%s9:task_name1:te" % (size, b"x" * size)
    text = tool.out("decode", stdin=call)
    assert json.loads(text)["payload"] == "x" * size
    assert tool.out("encode", "call", stdin=text) == call


def test_input_without_end(tool: Tool) -> None:
    assert "256 MiB" in tool.error("decode", "/dev/zero", status=1)


def test_files(tool: Tool, tmp_path: Path) -> None:
    assert "No such file" in tool.error("decode", str(tmp_path / "x"), status=1)
    assert "directory" in tool.error("decode", str(tmp_path), status=1)


def test_output_that_cannot_be_written() -> None:
    read, write = os.pipe()
    os.close(read)
    for out in (write, os.open("/dev/full", os.O_WRONLY)):
        done = subprocess.run(
            [built("tool/brrr"), "decode"],
            input=MESSAGE,
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.close(out)
        assert done.returncode == 1
        assert b"standard output" in done.stderr
