# SPDX-License-Identifier: AGPL-3.0-only
"""The demo: its HTTP answers, in memory and over Redis, and the README's lines."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from programs import ROOT, Server, built, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


class Demo:
    def __init__(self, port: int, process: subprocess.Popen[str]) -> None:
        self.port = port
        self.process = process

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            text = answer.read().decode()
            if answer.status != 200 or path != "/metrics":
                assert answer.headers["Content-Type"] == "application/json"
                json.loads(text)
            if answer.status == 405:
                assert "GET" in answer.headers["Allow"]
            return answer.status, text
        finally:
            connection.close()

    def wait(self, path: str) -> str:
        deadline = time.monotonic() + 20
        while True:
            status, text = self.ask("GET", path)
            if status == 200:
                return text
            assert status == 404
            assert time.monotonic() < deadline
            time.sleep(0.02)


@contextmanager
def running(**environment: str) -> Iterator[Demo]:
    process = subprocess.Popen(
        [built("demo/brrr-demo")],
        env={**os.environ, "PORT": "0", "REDIS_URL": "", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        url = process.stdout.readline()
        assert url.startswith("http://127.0.0.1:"), process.communicate()
        yield Demo(int(url.rsplit(":", 1)[1]), process)
        process.terminate()
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
    finally:
        process.kill()
        process.wait()


@pytest.fixture(params=["memory", "redis"])
def demo(request: pytest.FixtureRequest, server: Server) -> Iterator[Demo]:
    where = {"REDIS_URL": server.url} if request.param == "redis" else {}
    with running(**where) as d:
        yield d


def test_results(demo: Demo) -> None:
    for path, want in (
        ("/hello?greetee=John", '"Hello, John!"'),
        ("/hello?greetee=", '"Hello, !"'),
        ("/hello?greetee=J%C3%BCrgen+O%27Neil", '"Hello, J\u00fcrgen O\'Neil!"'),
        ("/calc_and_print?op=fib&n=0", "0"),
        ("/calc_and_print?op=fib&n=11", "89"),
        ("/calc_and_print?op=fib&n=78", "8944394323791464"),
        ("/calc_and_print?op=lucas&n=0", "2"),
        ("/calc_and_print?op=lucas&n=76", "7639424778862807"),
    ):
        assert demo.ask("GET", path)[0] == 404
        assert demo.ask("POST", path)[0] == 202
        assert demo.wait(path) == want
        assert demo.ask("POST", path)[0] == 202  # again
        assert demo.ask("GET", path) == (200, want)


@pytest.mark.parametrize(
    ("status", "path"),
    [
        (404, "/"),
        (404, "/nope"),
        (404, "/nope?greetee=x"),
        (404, "/%ff"),
        (404, "/hello/?greetee=x"),
        (404, "/calc_and_print?op=nope&n=1"),
        (400, "/hello"),
        (400, "/hello?greetee"),
        (400, "/hello?greetee=%ff"),
        (400, "/calc_and_print?n=1"),
        (400, "/calc_and_print?op=fib"),
        (400, "/calc_and_print?op=fib&n="),
        (400, "/calc_and_print?op=fib&n=x"),
        (400, "/calc_and_print?op=fib&n=1.0"),
        (400, "/calc_and_print?op=fib&n=-1"),
        (400, "/calc_and_print?op=fib&n=%201"),
        (400, "/calc_and_print?op=fib&n=79"),
        (400, "/calc_and_print?op=lucas&n=77"),
        (400, "/calc_and_print?op=fib&n=18446744073709551617"),
    ],
)
def test_refused(status: int, path: str) -> None:
    with running() as demo:
        for method in ("POST", "GET"):
            got, text = demo.ask(method, path)
            assert (got, list(json.loads(text))) == (status, ["error"])


def test_methods() -> None:
    with running() as demo:
        for method in ("PUT", "DELETE", "PATCH"):
            assert demo.ask(method, "/hello?greetee=x")[0] == 405
        assert demo.ask("POST", "/metrics")[0] == 405
        assert demo.ask("POST", "/hello?greetee=x", "body" * 100_000)[0] == 202


def test_metrics() -> None:
    with running() as demo:
        demo.ask("POST", "/calc_and_print?op=fib&n=5")
        demo.wait("/calc_and_print?op=fib&n=5")
        status, text = demo.ask("GET", "/metrics")
        assert status == 200
        for line in text.splitlines():
            assert re.fullmatch(
                r"# (HELP|TYPE) .+|[a-z_]+\{[^}]+\} \d+(\.\d+)?", line
            ), line
        assert 'brrr_messages_total{task="fib",outcome="returned"} 6' in text


def test_no_redis() -> None:
    with running(REDIS_URL=f"redis://127.0.0.1:{free_port()}") as demo:
        assert demo.ask("POST", "/hello?greetee=x")[0] == 503
        assert demo.ask("GET", "/hello?greetee=x")[0] == 503


def test_start_that_fails() -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        taken = str(s.getsockname()[1])
        for status, environment in (
            (1, {"PORT": taken}),
            (2, {"PORT": "x"}),
            (2, {"PORT": "65536"}),
            (1, {"PORT": "0", "REDIS_URL": "http://x"}),
        ):
            done = subprocess.run(
                [built("demo/brrr-demo")],
                env={**os.environ, **environment},
                capture_output=True,
                timeout=20,
                check=False,
            )
            assert done.returncode == status
            assert done.stderr.startswith(b"demo: ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals(number: signal.Signals) -> None:
    with running() as demo:
        idle = socket.create_connection(("127.0.0.1", demo.port))
        demo.ask("POST", "/calc_and_print?op=fib&n=70")
        demo.process.send_signal(number)
        assert demo.process.wait(30) == 0
        idle.close()


def test_lines_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    lines = re.findall(r"^(curl .+?)(?: +# (.+))?$", readme, re.MULTILINE)
    assert len(lines) > 3
    with running() as demo:
        for command, want in lines:
            words = command.replace("localhost:8080", f"127.0.0.1:{demo.port}")
            deadline = time.monotonic() + 20
            while True:
                out = subprocess.check_output(shlex.split(words), text=True)
                if not want or out.strip() == want:
                    break
                assert time.monotonic() < deadline, (command, out)
                time.sleep(0.02)
