# SPDX-License-Identifier: AGPL-3.0-only
"""The messages of proto/adapter.proto as ProtoJSON, from and to tiny's types."""

from __future__ import annotations

import asyncio
import json
import sys
from base64 import b64decode, b64encode
from collections import defaultdict
from typing import Any, TypeAlias

import tiny

Json: TypeAlias = dict[str, Any]
KINDS: Json = {
    "schedule_message": tiny.ScheduleMessage,
    "pending_return": tiny.PendingReturn,
}


class MisuseError(Exception):
    code = "MISUSE"


class Lines:
    """JSON lines on stdin and stdout.

    A thread does the waiting, so that a full pipe does not stop the event loop.
    """

    def __init__(self) -> None:
        self.writing = asyncio.Lock()

    async def read(self) -> Json | None:
        """Read a line; None is the end. A field that is missing reads as ""."""
        line = await asyncio.to_thread(sys.stdin.buffer.readline)
        if not line:
            return None
        it: Json = json.loads(line, object_hook=lambda fields: defaultdict(str, fields))
        return it

    async def write(self, it: Json) -> None:
        line = json.dumps(it).encode() + b"\n"
        async with self.writing:
            await asyncio.to_thread(sys.stdout.buffer.write, line)
            await asyncio.to_thread(sys.stdout.buffer.flush)


def base64(octets: bytes) -> str:
    return b64encode(octets).decode()


def to_json(it: Any) -> Any:
    if isinstance(it, tuple):
        fields: Json = getattr(it, "_asdict", dict)()
        return {k: to_json(v) for k, v in fields.items()} or [to_json(v) for v in it]
    return base64(it) if isinstance(it, bytes) else str(it)


def failure(error: Exception) -> Json:
    code = getattr(error, "code", "UNEXPECTED")
    reply = {"code": code, "reason": str(error) or type(error).__name__}
    if isinstance(error, tiny.RefusedError):
        reply["requirement"] = error.requirement
        reply |= {} if error.offset is None else {"offset": str(error.offset)}
    message = getattr(error, "message", None)
    return reply if message is None else reply | {"message": base64(message)}


def record(name: str, it: Json) -> Any:
    if name == "call":
        return tiny.Call(it["task_name"], b64decode(it["payload"]))
    if name == "pending_returns":
        returns = tuple(record("pending_return", each) for each in it["returns"])
        return tiny.PendingReturns(returns, int(it["scheduled_at"] or 0))
    if name not in KINDS:
        raise MisuseError(f"{name} to encode")
    return KINDS[name](*(it[field] for field in KINDS[name]._fields))


def ill_formed(it: Json, texts: list[Json]) -> Json:
    """Put ill-formed texts into a record, or into its first return."""
    for text in texts:
        target = it["returns"][0] if it["returns"] else it
        target[text["field"]] = any_text(b64decode(text["octets"]))
    return it


def any_text(octets: bytes) -> str:
    try:
        return octets.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:  # what Python makes of octets from elsewhere
        return octets.decode("utf-8", "surrogateescape")


def ask(it: Json) -> tiny.Ask:
    return tiny.Ask(it["call_hash"], record("call", it), it["topic"])


def outcome(answer: Json) -> bytes | tiny.Defer:
    """End a handler as the runner says."""
    if "fail" in answer:
        raise RuntimeError(answer["fail"])
    if "defer" in answer:
        return tiny.Defer(tuple(map(ask, answer["defer"]["children"])))
    return b64decode(answer["response"]["value"])
