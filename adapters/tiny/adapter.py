# SPDX-License-Identifier: AGPL-3.0-only
"""The adapter around tiny: one JSON object a line, as proto/adapter.proto says."""

from __future__ import annotations

import asyncio
import json
import sys
from base64 import b64decode, b64encode
from typing import Any, TypeAlias

import tiny

Json: TypeAlias = dict[str, Any]
TEXTS: Json = {
    "schedule_message": tiny.ScheduleMessage,
    "pending_return": tiny.PendingReturn,
}


class OwnError(tiny.BrrrError):
    def __init__(self, code: str, reason: str):
        super().__init__(reason)
        self.code = code


def base64(octets: bytes) -> str:
    return b64encode(octets).decode()


def failure(error: Exception) -> Json:
    reply = {"code": getattr(error, "code", "UNEXPECTED"), "reason": repr(error)}
    if isinstance(error, tiny.RefusedError):
        reply["requirement"] = error.requirement
        reply |= {} if error.offset is None else {"offset": str(error.offset)}
    message = getattr(error, "message", None)
    return reply if message is None else reply | {"message": base64(message)}


def from_json(name: str, it: Json) -> Any:
    if name == "call":
        return tiny.Call(it["task_name"], b64decode(it["payload"]))
    if name == "pending_returns":
        returns = tuple(from_json("pending_return", each) for each in it["returns"])
        return tiny.PendingReturns(returns, int(it.get("scheduled_at", 0)))
    return TEXTS[name](*(it[field] for field in TEXTS[name]._fields))


def to_json(it: Any) -> Any:
    if isinstance(it, tuple):
        fields: Json = getattr(it, "_asdict", dict)()
        return {k: to_json(v) for k, v in fields.items()} or [to_json(v) for v in it]
    return base64(it) if isinstance(it, bytes) else str(it)


def ask(it: Json) -> tiny.Ask:
    return tiny.Ask(it["call_hash"], from_json("call", it), it.get("topic", ""))


class Adapter:
    grace = 2.0  # seconds that Close leaves to handlers

    def __init__(self, brrr: type[tiny.Brrr] = tiny.Brrr, worker: Any = tiny.Worker):
        self.brrr_type, self.worker_type = brrr, worker
        self.brrr: tiny.Brrr | None = None
        self.serving: dict[Any, asyncio.Task[None]] = {}
        self.answers: list[asyncio.Future[Json]] = []
        self.writing = asyncio.Lock()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as commands:
            while line := await asyncio.to_thread(sys.stdin.buffer.readline):
                commands.create_task(self.reply_to(json.loads(line)))
            await self.on_close(0, {})

    async def reply_to(self, command: Json) -> None:
        number = command.pop("id", 0)
        name, body = next(iter(command.items()), ("nothing", {}))
        try:
            step = getattr(self, f"on_{name}", None)
            if step is None:
                raise OwnError("NOT_IMPLEMENTED", f"no command {name}")
            reply = await step(number, body)
        except Exception as error:
            reply = {"failure": failure(error)}
        if reply:
            await self.send(number, reply)

    async def send(self, number: int, reply: Json) -> None:
        line = json.dumps({"id": number, **reply}).encode() + b"\n"
        async with self.writing:  # in a thread: a full pipe must not stop us reading
            await asyncio.to_thread(sys.stdout.buffer.write, line)
            await asyncio.to_thread(sys.stdout.buffer.flush)

    async def on_hello(self, _: int, __: Json) -> Json:
        about = {"sdk": "tiny", "version": "1", "language": "Python"}
        return {"welcome": {"protocol": 1, **about}}

    async def on_encode(self, _: int, it: Json) -> Json:
        name = next((key for key in it if key != "ill_formed"), "nothing")
        record = it.get(name, {})
        for text in it.get("ill_formed", []):
            target = record["returns"][0] if name == "pending_returns" else record
            octets = b64decode(text["octets"])
            target[text["field"]] = octets.decode("utf-8", "surrogatepass")
        encoder = self.brrr_type.encoder
        return {"encoded": {"octets": base64(encoder.encode(from_json(name, record)))}}

    async def on_decode(self, _: int, it: Json) -> Json:
        name, octets = it["type"].lower(), b64decode(it["octets"])
        record = getattr(self.brrr_type.decoder, name)(octets)
        encoder = self.brrr_type.encoder
        if name == "value":
            return {"decoded": {"reencoded": base64(encoder.write(record))}}
        again = base64(encoder.encode(record))
        return {"decoded": {name: to_json(record), "reencoded": again}}

    async def on_open(self, _: int, it: Json) -> Json:
        if self.brrr:
            raise OwnError("MISUSE", "open already")
        self.brrr = self.brrr_type(tiny.connect(it["redis_url"]))
        await tiny.do(self.brrr.redis, "PING")
        return {"done": {}}

    def opened(self) -> tiny.Brrr:
        if not self.brrr:
            raise OwnError("MISUSE", "not open")
        return self.brrr

    async def on_schedule(self, _: int, it: Json) -> Json:
        await self.opened().schedule(ask(it["ask"]))
        return {"done": {}}

    async def on_read(self, _: int, it: Json) -> Json:
        value = await self.opened().read(it["call_hash"])
        return {"found": {} if value is None else {"value": base64(value)}}

    async def on_serve(self, number: int, it: Json) -> Json:
        async def handler(call_hash: str, call: tiny.Call) -> bytes | tiny.Defer:
            answer = await self.invoke(number, it["topic"], call_hash, call)
            if "fail" in answer:
                raise RuntimeError(answer["fail"])
            if "defer" in answer:
                return tiny.Defer(tuple(map(ask, answer["defer"]["children"])))
            return b64decode(answer["response"]["value"])

        async def go_on(error: tiny.BrrrError) -> bool:
            if it["on_problem"] != "GO_ON":
                return False
            await self.send(number, {"problem": failure(error)})
            return True

        worker = self.worker_type(self.opened(), it["topic"], handler, go_on)
        task = self.serving[worker] = asyncio.create_task(worker.run())
        await asyncio.wait({task})
        del self.serving[worker]
        return {"done": {}} if task.cancelled() else {"done": task.result() or {}}

    async def invoke(self, number: int, topic: str, call_hash: str, call: Any) -> Json:
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self.answers.append(answer)
        it = {"invocation": len(self.answers) - 1, "topic": topic}
        it |= {"call_hash": call_hash, **to_json(call)}
        await self.send(number, {"invocation": it})
        return await answer

    async def on_answer(self, _: int, it: Json) -> Json:
        if not self.answers[it["invocation"]].done():
            self.answers[it["invocation"]].set_result(it)
        return {}

    async def on_close(self, _number: int, _: Json) -> Json:
        brrr, self.brrr = self.brrr, None
        stops = [asyncio.create_task(worker.stop()) for worker in self.serving]
        if tasks := [*stops, *self.serving.values()]:
            _, late = await asyncio.wait(tasks, timeout=self.grace)
            for task in late:
                task.cancel()
            await asyncio.wait(tasks)
        if brrr:
            await brrr.redis.aclose()
        return {"done": {}}


if __name__ == "__main__":
    asyncio.run(Adapter().run())
