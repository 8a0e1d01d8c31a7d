# SPDX-License-Identifier: AGPL-3.0-only
"""Adapter for the Python SDK: passes on what it says and does, and mends nothing."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from base64 import b64decode
from contextlib import AsyncExitStack, suppress
from importlib.metadata import version
from typing import Any

import brrr
import redis.asyncio as redis
from brrr.backends.redis import RedisQueue
from failures import HandlerFailedError, MisuseError, failure
from records import Json, base64, decode, encode, from_json, to_json
from stores import RedisStore, open_dynamodb
from tasks import TASKS, JsonCodec, write

NEED_OPEN = ("schedule", "read", "serve", "schedule_task", "read_task", "serve_tasks")


class Adapter:
    def __init__(self) -> None:
        self.stack = AsyncExitStack()
        self.server: Any = None
        self.app: Any = None  # on the server
        self.loops: set[asyncio.Task[None]] = set()
        self.serving: set[asyncio.Task[None]] = set()  # until replied to
        self.answers: dict[int, asyncio.Future[Json]] = {}
        self.numbers = itertools.count(1)

    def reply(self, command: int, kind: str, body: Json) -> None:
        print(json.dumps({"id": command, kind: body}), flush=True)

    async def obey(self, command: int, kind: str, body: Json) -> None:
        try:
            self.reply(command, *await self.run(command, kind, body))
        except Exception as error:
            self.reply(command, "failure", failure(error))

    async def run(self, command: int, kind: str, body: Json) -> tuple[str, Json]:
        match kind:
            case "hello":
                sdk = {"sdk": "brrr", "version": version("brrr"), "language": "Python"}
                return "welcome", {"protocol": 1} | sdk
            case "encode":
                if not set(body) - {"ill_formed"}:
                    raise MisuseError("no record")
                return "encoded", await encode(body)
            case "decode":
                return "decoded", await decode(body)
            case "open":
                await self.open(body)
            case "close":
                await self.close()
            case "encode_call":
                args = tuple(json.loads(b64decode(body["args"]["text"])))
                call = JsonCodec().encode_call(body["task_name"], args, {})
                payload = base64(call.payload)
                return "encoded_call", {"payload": payload, "call_hash": call.call_hash}
            case _ if kind in NEED_OPEN and not self.server:
                raise MisuseError("Open comes first")
            case "schedule":
                topic, call = body["ask"]["topic"], from_json("call", body["ask"])
                key, name, payload = call.call_hash, call.task_name, call.payload
                await self.server.schedule_raw(topic, key, name, payload)
            case "read":
                value = await self.server.read_raw(body["call_hash"])
                return "found", {} if value is None else {"value": base64(value)}
            case "serve":
                handle = self.ask_runner(command, body["topic"])
                await self.serve(command, handle, body["topic"], body["on_problem"])
            case "schedule_task":
                task = self.app.schedule(body["task_name"], topic=body["topic"])
                await task(*json.loads(b64decode(body["args"])))
            case "read_task":
                with suppress(brrr.NotFoundError):
                    task = self.app.read(body["task_name"])
                    value = await task(*json.loads(b64decode(body["args"])))
                    return "found", {"value": base64(write(value))}
                return "found", {}
            case "serve_tasks":
                handle = self.app.handle
                await self.serve(command, handle, body["topic"], body["on_problem"])
            case _:
                return "failure", {"code": "NOT_IMPLEMENTED", "reason": kind}
        return "done", {}

    async def open(self, body: Json) -> None:
        client = connect(body["redis_url"])
        await self.stack.enter_async_context(client)
        queue, store = RedisQueue(client), RedisStore(client)
        if table := body.get("dynamodb"):
            store = await open_dynamodb(self.stack, table)
        serving = brrr.serve(queue, store, queue)
        self.server = await self.stack.enter_async_context(serving)
        self.app = brrr.AppWorker(JsonCodec(), self.server, TASKS)

    async def close(self) -> None:
        self.server = None
        for loop in self.loops:
            loop.cancel()
        await asyncio.gather(*self.serving)
        await self.stack.aclose()

    def ask_runner(self, command: int, topic: str) -> Any:
        """Give a handler that sends each invocation up."""

        async def handle(request: Any, _: Any) -> Any:
            number = next(self.numbers)
            answer = self.answers[number] = asyncio.Future()
            names = {"call_hash": request.call.call_hash, "topic": topic}
            invocation = to_json(request.call) | names | {"invocation": number}
            self.reply(command, "invocation", invocation)
            match await answer:
                case {"response": response}:
                    return brrr.Response(b64decode(response["value"]))
                case {"defer": defer}:
                    return brrr.Defer([deferred(ask) for ask in defer["children"]])
                case {"fail": reason}:
                    raise HandlerFailedError(reason)

        return handle

    async def serve(
        self, command: int, handle: Any, topic: str, on_problem: str
    ) -> None:
        while self.server:
            loop = asyncio.create_task(self.server.loop(topic, handle))
            self.loops.add(loop)
            await asyncio.wait([loop])
            self.loops.remove(loop)
            if loop.cancelled() or not (error := loop.exception()):
                return
            if on_problem == "STOP":
                raise error
            problem = failure(error)
            self.reply(command, "problem", problem)
            if problem["code"] == "BACKEND":  # without Redis it fails at once
                await asyncio.sleep(0.1)


def connect(url: str) -> Any:
    """Make a client without retries, or one that redis.Redis() gives.

    With its retries an INCR or RPUSH whose reply is lost counts or puts twice.
    """
    if "BRRR_PYTHON_RETRIES" in os.environ:
        place = redis.ConnectionPool.from_url(url).connection_kwargs
        return redis.Redis(**place, protocol=3)
    return redis.from_url(url, protocol=3)


def deferred(ask: Json) -> Any:
    return brrr.DeferredCall(ask["topic"] or None, from_json("call", ask))


async def main() -> None:
    adapter = Adapter()
    async with asyncio.TaskGroup() as commands:
        while line := await asyncio.to_thread(sys.stdin.buffer.readline):
            command = json.loads(line)
            number = command.pop("id")
            kind, body = next(iter(command.items()), ("nothing", Json()))
            if kind == "answer":
                answer = adapter.answers.pop(body["invocation"])
                if not answer.cancelled():  # by Close
                    answer.set_result(body)
            else:
                task = commands.create_task(adapter.obey(number, kind, body))
                if kind == "serve":
                    adapter.serving.add(task)
                    task.add_done_callback(adapter.serving.discard)
        await adapter.close()


if __name__ == "__main__":
    asyncio.run(main())
