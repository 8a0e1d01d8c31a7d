# SPDX-License-Identifier: AGPL-3.0-only
"""The adapter around tiny: one JSON object a line, as proto/adapter.proto says."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from typing import Any

import protojson
import tiny
from protojson import Json, base64


class Adapter:
    grace = 1.0  # seconds that Close leaves to handlers

    def __init__(self, brrr: type[tiny.Brrr] = tiny.Brrr, worker: Any = tiny.Worker):
        self.brrr_type, self.worker_type = brrr, worker
        self.brrr: tiny.Brrr | None = None
        self.serving: dict[Any, asyncio.Task[None]] = {}
        self.answers: list[asyncio.Future[Json]] = []
        self.lines = protojson.Lines()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as commands:
            while (command := await self.lines.read()) is not None:
                commands.create_task(self.reply_to(command))
            await self.on_close(0, {})

    async def reply_to(self, command: Json) -> None:
        number = command.pop("id", 0)
        name, body = next(iter(command.items()), ("nothing", {}))
        try:
            step = getattr(self, f"on_{name}", self.on_unknown)
            reply = await step(number, body)
        except Exception as error:
            reply = {"failure": protojson.failure(error)}
        if reply:
            await self.send(number, reply)

    async def send(self, number: int, reply: Json) -> None:
        await self.lines.write({"id": number, **reply})

    async def on_unknown(self, _number: int, _: Json) -> Json:
        return {"failure": {"code": "NOT_IMPLEMENTED", "reason": "unknown command"}}

    async def on_hello(self, _number: int, _: Json) -> Json:
        sdk = {"sdk": "tiny", "version": "1", "language": "Python"}
        return {"welcome": {"protocol": 1, **sdk}}

    async def on_encode(self, _: int, it: Json) -> Json:
        name = next((key for key in it if key != "ill_formed"), "no record")
        record = protojson.record(
            name, protojson.ill_formed(it[name], it["ill_formed"])
        )
        return {"encoded": {"octets": base64(self.brrr_type.encoder.encode(record))}}

    async def on_decode(self, _: int, it: Json) -> Json:
        name, sdk = it["type"].lower(), self.brrr_type
        record = getattr(sdk.decoder, name)(b64decode(it["octets"]))
        if name == "value":
            return {"decoded": {"reencoded": base64(sdk.encoder.write(record))}}
        again = base64(sdk.encoder.encode(record))
        return {"decoded": {name: protojson.to_json(record), "reencoded": again}}

    def opened(self) -> tiny.Brrr:
        if self.brrr is None:
            raise protojson.MisuseError("not open")
        return self.brrr

    async def on_open(self, _: int, it: Json) -> Json:
        if self.brrr:
            raise protojson.MisuseError("open already")
        self.brrr = self.brrr_type(tiny.connect(it["redis_url"]))
        try:
            await tiny.do(self.brrr.redis, "PING")
        except tiny.BackendError:
            self.brrr = None
            raise
        return {"done": {}}

    async def on_schedule(self, _: int, it: Json) -> Json:
        await self.opened().schedule(protojson.ask(it["ask"]))
        return {"done": {}}

    async def on_read(self, _: int, it: Json) -> Json:
        value = await self.opened().read(it["call_hash"])
        return {"found": {} if value is None else {"value": base64(value)}}

    async def on_serve(self, number: int, it: Json) -> Json:
        async def handler(call_hash: str, call: tiny.Call) -> bytes | tiny.Defer:
            answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
            self.answers.append(answer)
            invocation = {"invocation": len(self.answers), "topic": it["topic"]}
            invocation |= {"call_hash": call_hash, **protojson.to_json(call)}
            await self.send(number, {"invocation": invocation})
            return protojson.outcome(await answer)

        async def go_on(error: tiny.BrrrError) -> bool:
            if it["on_problem"] == "GO_ON":
                await self.send(number, {"problem": protojson.failure(error)})
            return bool(it["on_problem"] == "GO_ON")

        worker = self.worker_type(self.opened(), it["topic"], handler, go_on)
        task = self.serving[worker] = asyncio.create_task(worker.run())
        await asyncio.wait({task})
        del self.serving[worker]
        return {"done": {}} if task.cancelled() else {"done": task.result() or {}}

    async def on_answer(self, _: int, it: Json) -> Json:
        answer = self.answers[it["invocation"] - 1]
        if not answer.done():  # Close may have come first
            answer.set_result(it)
        return {}

    async def on_close(self, _number: int, _: Json) -> Json:
        brrr, self.brrr = self.brrr, None
        stops = [asyncio.create_task(worker.stop()) for worker in self.serving]
        if under_way := [*stops, *self.serving.values()]:
            _done, late = await asyncio.wait(under_way, timeout=self.grace)
            for task in late:
                task.cancel()
            await asyncio.wait(under_way)
        if brrr:
            await brrr.redis.aclose()
        return {"done": {}}


if __name__ == "__main__":
    asyncio.run(Adapter().run())
