# SPDX-License-Identifier: AGPL-3.0-only
"""The tasks of conformance/programs.md, and a codec for the SDK's codec interface.

The SDK's own codec writes pickles, which no other language reads.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import brrr
from brrr.call import Call
from brrr.codec import Codec
from failures import HandlerFailedError


class JsonCodec(Codec):  # type: ignore[misc]
    def encode_call(self, task_name: str, args: Any, kwargs: Any) -> Call:
        if kwargs:
            raise TypeError("JSON has no named arguments")
        call_hash = sha256(write([task_name, args])).hexdigest()
        return Call(task_name, write(args), call_hash)

    async def invoke_task(self, call: Call, task: Any) -> bytes:
        return write(await task(*json.loads(call.payload)))

    def decode_return(self, task_name: str, payload: bytes) -> Any:
        del task_name
        return json.loads(payload)


def write(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


@brrr.handler_no_arg  # type: ignore[untyped-decorator]
async def hello(greetee: str) -> str:
    return f"Hello, {greetee}!"


@brrr.handler  # type: ignore[untyped-decorator]
async def fib(app: Any, n: int) -> int:
    if n < 2:
        return n
    return sum(await app.gather(app.call(fib)(n - 1), app.call(fib)(n - 2)))


@brrr.handler_no_arg  # type: ignore[untyped-decorator]
async def echo(value: Any) -> Any:
    return value


@brrr.handler  # type: ignore[untyped-decorator]
async def program(app: Any, nodes: Any, at: int) -> Any:
    def call(to: int, topic: str | None = None) -> Any:
        task, args = nodes[to].get("task", "program"), nodes[to].get("args")
        return app.call(task, topic=topic)(*([nodes, to] if args is None else args))

    node, values = nodes[at], []
    try:
        for step in node.get("do", []):
            if len(step) == 1:
                values.append(await call(*step[0]))
            else:
                values += await app.gather(*(call(*edge) for edge in step))
        if "raise" in node:
            raise HandlerFailedError(node["raise"])
    except Exception:
        if "catch" not in node:
            raise
        return node["catch"]
    if "big" in node:
        return "x" * node["big"]
    return values[node["take"]] if "take" in node else node.get("return", values)


TASKS = {"hello": hello, "fib": fib, "echo": echo, "program": program}
