# SPDX-License-Identifier: AGPL-3.0-only
"""The tool `brrr`: its commands over a private Redis, as a user calls them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from programs import Server, Tool, built, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMANDS = (
    "schedule read worker monitor trace dead reset decode encode".split()  # noqa: SIM905
)


@contextmanager
def worker(tool: Tool, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [built("tool/brrr"), "worker", "--demo", *words],
        env=tool.environment,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
    assert process.returncode == 0


# ---- the command line -------------------------------------------------------


def test_help(tool: Tool) -> None:
    text = tool.out("--help").decode()
    for command in COMMANDS:
        assert f"  {command} " in text
        assert f"brrr {command}" in tool.out(command, "--help").decode()
    assert tool.out("--version").startswith(b"brrr ")


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["decode", "--nonsense"],
        ["decode", "a", "b", "c"],
        ["decode", "nonsense", "-"],
        ["encode"],
        ["encode", "nonsense", "{}"],
        ["schedule", "t", "fib"],
        ["read"],
        ["read", "fib"],
        ["read", "fib", "[1]", "--hash", "h"],
        ["read", "--hash", "h", "--wait", "-1"],
        ["worker"],
        ["worker", "--demo", "--concurrency", "0"],
        ["trace", "fib"],
        ["dead", "list"],
        ["dead", "show", "t"],
        ["dead", "eat", "1", "t"],
        ["dead", "show", "0", "t"],
        ["dead", "show", "x", "t"],
        ["reset"],
        ["read", "--hash", "h", "--url", "http://127.0.0.1"],
        ["read", "--hash", "h", "--url", "redis://h:0"],
        ["monitor", "--once", "--url", "memory:"],
        ["dead", "list", "t", "--url", "memory:"],
    ],
)
def test_wrong_usage(tool: Tool, words: list[str]) -> None:
    assert tool.run(*words, status=2).stderr
    done = subprocess.run([built("tool/brrr")], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")


def test_no_server(tool: Tool) -> None:
    url = f"redis://127.0.0.1:{free_port()}"
    for words in (["read", "--hash", "h"], ["schedule", "t", "fib", "[1]"]):
        assert "refused" in tool.error(*words, "--url", url, status=1)
    for words in (["monitor"], ["trace"], ["dead", "list", "t"], ["reset", "--yes"]):
        assert "refused" in tool.error(*words, "--url", url, status=1)


# ---- schedule, read, worker -------------------------------------------------


def test_schedule_and_read(tool: Tool, server: Server) -> None:
    call_hash = tool.out("schedule", "t", "fib", "[ 11.0 ]").decode().strip()
    assert len(call_hash) == 64
    assert server.client.llen("t") == 1
    message = server.client.lindex("t", 0)
    assert isinstance(message, bytes)
    assert json.loads(tool.out("decode", stdin=message))["call_hash"] == call_hash
    assert call_hash in tool.error("read", "fib", "[11]", status=3)
    with worker(tool, "--topic", "t"):
        assert tool.out("read", "fib", "[11]", "--wait", "30") == b"89\n"
    assert tool.out("read", "--hash", call_hash, "--raw") == b"89"
    tool.run("schedule", "t", "fib", "[11]")
    assert server.client.llen("t") == 0


def test_values_of_any_octets(tool: Tool, server: Server) -> None:
    server.client.set("value/h", b"\x00\xff\n")
    assert tool.out("read", "--hash", "h", "--raw") == b"\x00\xff\n"
    server.client.set("value/h", b"")
    assert tool.out("read", "--hash", "h", "--raw") == b""
    assert tool.out("read", "--hash", "h") == b"\n"


@pytest.mark.parametrize("args", ["[", "{}", "11", "[1] x", '["\\ud800"]', "[1e999]"])
def test_wrong_arguments(tool: Tool, args: str) -> None:
    assert "arguments: " in tool.error("schedule", "t", "fib", args, status=1)
    assert "arguments: " in tool.error("read", "fib", args, status=1)


def test_reserved_topic(tool: Tool) -> None:
    assert "reserved" in tool.error("schedule", "call/x", "fib", "[1]", status=1)


@pytest.mark.parametrize("durable", [[], ["--durable"]])
def test_worker(tool: Tool, durable: list[str]) -> None:
    with worker(tool, "-t", "a", "-t", "b", "-c", "4", *durable):
        tool.run("schedule", "a", "lucas", "[76]")
        tool.run("schedule", "b", "hello", '["J\u00fcrgen"]')
        tool.run("schedule", "b", "echo", '[{"x": [null, 1.5]}]')
        lucas = tool.out("read", "lucas", "[76]", "--wait", "30")
        assert lucas == b"7639424778862807\n"
        hello = tool.out("read", "hello", '["J\u00fcrgen"]', "--wait", "30")
        assert json.loads(hello) == "Hello, J\u00fcrgen!"
        echo = tool.out("read", "echo", '[{"x":[null,1.5]}]', "--wait", "30")
        assert json.loads(echo) == {"x": [None, 1.5]}


# ---- monitor ----------------------------------------------------------------


def fill_topics(server: Server) -> None:
    r = server.client
    r.rpush("t", "1", "2")
    r.rpush("brrr:inflight:{t}:w1", "3")
    r.rpush("brrr:inflight:{t}:w2", "4", "5")
    r.zadd("brrr:workers:{t}", {"w1": 1, "w2": 2})
    r.rpush("brrr:dead:{d*}", "x")
    r.set("call/x", "y")


def test_monitor(tool: Tool, server: Server) -> None:
    fill_topics(server)
    rows = json.loads(tool.out("monitor", "--json"))
    assert rows == [
        {"topic": "d*", "queued": 0, "in_flight": 0, "workers": 0, "dead": 1},
        {"topic": "t", "queued": 2, "in_flight": 3, "workers": 2, "dead": 0},
    ]
    [row] = json.loads(tool.out("monitor", "--json", "nobody"))
    assert (row["topic"], row["queued"]) == ("nobody", 0)
    head, line = tool.out("monitor", "--once", "t").decode().splitlines()
    assert head.split() == ["TOPIC", "QUEUED", "IN", "FLIGHT", "WORKERS", "DEAD"]
    assert line.split() == ["t", "2", "3", "2", "0"]
    assert "WRONGTYPE" in tool.error("monitor", "call/x", status=1)


def test_monitor_on_a_terminal(tool: Tool, server: Server) -> None:
    server.client.rpush("t", "1")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [built("tool/brrr"), "monitor", "t"], stdout=theirs, env=tool.environment
    )
    os.close(theirs)
    seen = b""
    while seen.count(b"TOPIC") < 3:  # refreshed twice
        seen += os.read(ours, 4096)
    process.terminate()
    assert process.wait(10) == -signal.SIGTERM
    os.close(ours)


# ---- trace ------------------------------------------------------------------


def call(server: Server, name: str, payload: str = "[]") -> None:
    octets = f"d7:payload{len(payload)}:{payload}9:task_name{len(name)}:{name}e"
    server.client.set(f"call/{name}", octets)


def waits(server: Server, child: str, *parents: tuple[str, str]) -> None:
    returns = "".join(
        f"li1e{len(root)}:{root}{len(parent)}:{parent}1:te"
        for parent, root in sorted(parents, key=lambda p: (p[1], p[0]))
    )
    server.client.set(f"pending_returns/{child}", f"d7:returnsl{returns}ee")


def test_trace(tool: Tool, server: Server) -> None:
    for name in ("a", "b", "c", "d", "z"):
        call(server, name, f'["{name}"]')
    waits(server, "b", ("a", "r1"))
    waits(server, "c", ("a", "r1"), ("a", "r2"), ("z", "r2"))
    waits(server, "d", ("b", "r1"), ("c", "r1"))
    waits(server, "e", ("d", "r1"))
    server.client.set("value/c", "1")
    want = [
        'a ["a"] a  waits for 2',
        '  b ["b"] b  waits for 1',
        '    d ["d"] d  waits for 1',
        "      (no call) e  to do",
        '  c ["c"] c  done',
        '    d ["d"] d  waits for 1 (see above)',
    ]
    assert tool.out("trace", "--hash", "a").decode().splitlines() == want
    every = tool.out("trace").decode().splitlines()
    assert every[:6] == want
    assert every[6:] == ['z ["z"] z  waits for 1', '  c ["c"] c  done (see above)']
    assert tool.out("trace", "--root", "r2").decode().splitlines() == [
        'a ["a"] a  waits for 1',
        '  c ["c"] c  done',
        'z ["z"] z  waits for 1',
        '  c ["c"] c  done',
    ]
    assert "nothing is known" in tool.error("trace", "--hash", "nope", status=3)


def test_trace_of_a_circle_and_of_a_record_that_is_none(
    tool: Tool, server: Server
) -> None:
    waits(server, "a", ("b", "r"))
    waits(server, "b", ("a", "r"))
    server.client.set("pending_returns/x", "d7:returns")
    done = tool.run("trace")
    assert done.stdout.decode().splitlines() == [
        "In a circle:",
        "(no call) a  waits for 1",
        "  (no call) b  waits for 1",
        "    (no call) a  waits for 1 (see above)",
    ]
    assert b"pending_returns/x: offset 10: [WIRE-" in done.stderr


def test_trace_of_a_long_chain(tool: Tool, server: Server) -> None:
    for i in range(3000):
        waits(server, f"{i + 1:05}", (f"{i:05}", "r"))
    lines = tool.out("trace", "--hash", "00000").decode().splitlines()
    assert len(lines) == 3001
    assert max(map(len, lines)) < 150


def test_trace_of_the_real_thing(tool: Tool) -> None:
    tool.run("schedule", "t", "fib", "[2]")
    [line] = tool.out("trace", "fib", "[2]").decode().splitlines()
    assert line.startswith("fib [2] ")
    assert line.endswith("  to do")
    with worker(tool, "--topic", "t"):
        tool.run("read", "fib", "[2]", "--wait", "30")
    [line] = tool.out("trace", "fib", "[2]").decode().splitlines()
    assert line.endswith("  done")


# ---- dead letters -----------------------------------------------------------


def letter(message: bytes, reason: bytes = b"why") -> bytes:
    return b"d2:ati1795489157e7:message%d:%s6:reason%d:%se" % (
        len(message),
        message,
        len(reason),
        reason,
    )


def test_dead_letters(tool: Tool, server: Server) -> None:
    key = "brrr:dead:{t}"
    assert tool.out("dead", "list", "t") == b""
    good, bad = letter(b"li2e3:old4:leafe"), letter(b"\x00hello")
    server.client.rpush(key, good, bad, b"junk")
    assert tool.out("dead", "list", "t").decode().splitlines() == [
        "1\t2026-11-24T02:59:17Z\twhy\tli2e3:old4:leafe",
        "2\t2026-11-24T02:59:17Z\twhy\t\\x00hello",
        "3\t-\tnot a dead letter [REDIS-40]\tjunk",
    ]
    shown = json.loads(tool.out("dead", "show", "1", "t"))
    assert shown["decoded"]["call_hash"] == "leaf"
    assert shown["reason"] == "why"
    tool.run("dead", "show", "3", "t", status=1)
    tool.run("dead", "show", "4", "t", status=3)

    assert "not in the store" in tool.error("dead", "retry", "1", "t", status=1)
    assert server.client.llen(key) == 3
    call(server, "leaf")
    server.client.set("value/leaf", "1")  # its returns may be missing all the same
    tool.run("dead", "retry", "1", "t")
    assert server.client.lrange(key, 0, -1) == [bad, b"junk"]
    [message] = server.client.lrange("t", 0, -1)
    assert isinstance(message, bytes)
    decoded = json.loads(tool.out("decode", stdin=message))
    assert decoded["call_hash"] == "leaf"
    assert len(decoded["root_id"]) == 22
    assert server.client.get(f"brrr_count/{decoded['root_id']}") == b"1"

    assert "nothing to retry" in tool.error("dead", "retry", "1", "t", status=1)
    tool.run("dead", "drop", "2", "t")
    tool.run("dead", "drop", "1", "t")
    assert not server.client.exists(key)
    tool.run("dead", "drop", "1", "t", status=3)


def test_dead_letter_of_a_worker(tool: Tool) -> None:
    with worker(tool, "--topic", "t", "--durable"):
        tool.run("schedule", "t", "nobody", "[]")
        deadline = time.monotonic() + 30
        while not (line := tool.out("dead", "list", "t").decode()):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert "no task has this name" in line
    tool.run("dead", "retry", "1", "t")
    [row] = json.loads(tool.out("monitor", "--json", "t"))
    assert row == {"topic": "t", "queued": 1, "in_flight": 0, "workers": 0, "dead": 0}


# ---- reset ------------------------------------------------------------------


def test_reset(tool: Tool, server: Server) -> None:
    r = server.client
    fill_topics(server)
    for key in ("value/x", "pending_returns/x", "brrr_count/x", "mine", "calls"):
        r.set(key, "1")
    r.hset("brrr:attempts:{t}", "m", "1")
    for i in range(1200):
        r.set(f"call/{i}", "x")
    before = r.dbsize()
    done = tool.run("reset", "t", status=2)
    assert b"call/*               1201" in done.stdout
    assert r.dbsize() == before
    tool.run("reset", "--yes")
    assert sorted(r.keys()) == [b"calls", b"mine", b"t"]
    assert "WRONGTYPE" in tool.error("reset", "--yes", "mine", status=1)
    tool.run("reset", "--yes", "t")
    assert sorted(r.keys()) == [b"calls", b"mine"]
