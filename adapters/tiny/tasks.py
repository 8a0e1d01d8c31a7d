# SPDX-License-Identifier: AGPL-3.0-only
"""The tasks of conformance/programs.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app import Run, Task


async def hello(_: Run, greetee: str) -> str:
    return f"Hello, {greetee}!"


async def fib(run: Run, n: float) -> float:
    if n < 2:
        return n
    a, b = await run.gather(run.ask("fib", [n - 1]), run.ask("fib", [n - 2]))
    return float(a + b)


async def echo(_: Run, value: Any) -> Any:
    return value


async def program(run: Run, nodes: Any, at: float) -> Any:
    node, values = nodes[int(at)], []
    try:
        for step in node.get("do", []):
            asks = [ask_of(run, nodes, *edge) for edge in step]
            if len(asks) == 1:
                values.append(await run.call(asks[0]))
            else:
                values += await run.gather(*asks)
        if "raise" in node:
            raise RuntimeError(node["raise"])
    except Exception:
        if "catch" not in node:
            raise
        return node["catch"]
    if "big" in node:
        return "x" * int(node["big"])
    return values[int(node["take"])] if "take" in node else node.get("return", values)


def ask_of(run: Run, nodes: Any, at: float, topic: str = "") -> Any:
    node = nodes[int(at)]
    return run.ask(node.get("task", "program"), node.get("args", [nodes, at]), topic)


TASKS: dict[str, Task] = {"hello": hello, "fib": fib, "echo": echo, "program": program}
