# SPDX-License-Identifier: AGPL-3.0-only
"""The adapter around tiny: one JSON object a line, as proto/adapter.proto says."""

from __future__ import annotations

import asyncio
import json
import struct
import sys
from base64 import b64decode, b64encode
from contextlib import suppress
from typing import Any

from app import App
from codec import Codec
from durable import DurableWorker
from tasks import TASKS
from tiny import (
    Ask,
    Brrr,
    BrrrError,
    Call,
    PendingReturn,
    PendingReturns,
    ScheduleMessage,
    Worker,
)

RECORDS: Any = {"SCHEDULE_MESSAGE": ScheduleMessage, "PENDING_RETURN": PendingReturn}
RECORDS |= {"PENDING_RETURNS": PendingReturns, "CALL": Call}
FROM_JSON: Any = {"octets": b64decode, "payload": b64decode, "value": b64decode}
FROM_JSON |= {"scheduled_at": int}
FROM_JSON |= {"args": lambda it: b64decode(it) if isinstance(it, str) else it}
OPEN = {"schedule", "read", "serve", "schedule_task", "read_task", "serve_tasks"}


def parse(it: Any) -> Any:
    """Turn base64 into octets, and what has the fields of a type into that type."""
    it |= {name: FROM_JSON[name](it[name]) for name in FROM_JSON.keys() & it.keys()}
    types = [kind for kind in (*RECORDS.values(), Ask) if it.keys() == {*kind._fields}]
    return types[0](**it) if types else it


def failure(error: Exception) -> Any:
    code = "MISUSE" if isinstance(error, KeyError) else "UNEXPECTED"  # a missing field
    code, details = getattr(error, "code", code), getattr(error, "details", {})
    return {"code": code, "reason": str(error) or repr(error), **details}


class Adapter:
    def __init__(
        self,
        brrr: type[Brrr] = Brrr,
        worker: type[Worker] = Worker,
        durable: type[DurableWorker] = DurableWorker,
        codec: type[Codec] = Codec,
        app: type[App] = App,
    ):
        self.brrr_type, self.plain, self.durable = brrr, worker, durable
        self.codec, self.app = codec(), app(TASKS)
        self.app.codec = self.codec
        self.worker_type: type[Worker] = worker
        self.encoder, self.decoder = brrr.encoder, brrr.decoder
        self.brrr: Any = None  # while open
        self.serving: dict[Worker, Any] = {}  # and the task that runs it
        self.answers: dict[int, asyncio.Future[Any]] = {}  # that handlers wait for
        self.invoked = 0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as commands:
            while line := await asyncio.to_thread(sys.stdin.buffer.readline):
                command = json.loads(line, object_hook=parse)
                commands.create_task(self.reply_to(command.pop("id"), command))
            await self.close()

    async def reply_to(self, number: int, command: Any) -> None:
        name, it = command.popitem() if command else ("nothing", {})
        try:
            reply = await self.execute(number, name, it)
        except Exception as error:
            reply = {"failure": failure(error)}
        if name != "answer":
            self.send(number, reply)

    def send(self, number: int, reply: Any) -> None:
        line = {"id": number, **reply}
        print(json.dumps(line, default=lambda it: b64encode(it).decode()), flush=True)

    async def execute(self, number: int, name: str, it: Any) -> Any:
        if name == "hello":
            sdk = {"sdk": "tiny", "version": "1", "language": "Python"}
            return {"welcome": {"protocol": 1, **sdk}}
        if name == "encode":
            return {"encoded": {"octets": self.encode(**it)}}
        if name == "decode":
            return {"decoded": self.decode(it["type"], it["octets"])}
        if name == "encode_call":
            args, is_text = self.given(it["args"])
            args = args if is_text else [args]
            payload, call_hash = self.codec.encode_call(it["task_name"], args)
            return {"encoded_call": {"payload": payload, "call_hash": call_hash}}
        if name == "encode_value":
            value, _ = self.given(it["json"])
            return {"encoded": {"octets": self.codec.write(value).encode()}}
        if name == "answer":
            if waiting := self.answers.pop(it["invocation"], None):  # not given up
                waiting.set_result(it)
        elif name == "close":
            await self.close()
        elif name != "open" and name not in OPEN:
            raise BrrrError("NOT_IMPLEMENTED", "unknown command")
        elif bool(self.brrr) == (name == "open"):
            raise BrrrError("MISUSE", "open already, or not yet")
        elif name == "open" and "dynamodb" in it:
            raise BrrrError("NOT_IMPLEMENTED", "the store is on Redis only")
        elif name == "open":
            self.worker_type = self.durable if it["durable"] else self.plain
            self.durable.dead_after_ms = it["dead_after_ms"]
            brrr = self.brrr_type(it["redis_url"])
            await brrr.do("PING")
            self.brrr = brrr
        elif name == "schedule":
            await self.brrr.schedule(it["ask"])
        elif name == "schedule_task":
            await self.brrr.schedule(self.task(**it))
        elif name in ("read", "read_task"):
            if name == "read_task":
                it["call_hash"] = self.task(**it).call_hash
            value = await self.brrr.read(it["call_hash"])
            return {"found": {} if value is None else {"value": value}}
        else:
            tasks = name == "serve_tasks"
            await self.serve(number, it["topic"], it["on_problem"], tasks=tasks)
        return {"done": {}}

    def task(self, task_name: str, args: bytes, topic: str = "") -> Ask:
        return self.app.ask(task_name, self.codec.read_args(args), topic)

    def given(self, it: Any) -> tuple[Any, bool]:
        """Give the JSON of a command, and whether it is a text."""
        form, given = it.popitem()
        if form == "integer":
            return int(given), False
        octets = b64decode(given)
        if form == "double":
            return struct.unpack(">d", octets)[0], False
        if form == "string":
            return octets.decode(errors="surrogatepass"), False
        return self.codec.read(octets), True

    def encode(self, ill_formed: list[Any], **records: Any) -> bytes:
        _, it = records.popitem()
        texts = {
            x["field"]: x["octets"].decode(errors="surrogateescape") for x in ill_formed
        }
        if texts and isinstance(it, PendingReturns):
            texts = {"returns": [it.returns[0]._replace(**texts), *it.returns[1:]]}
        return self.encoder.encode(it._replace(**texts))

    def decode(self, kind: str, octets: bytes) -> Any:
        if kind == "VALUE":
            value = self.decoder.value(octets)
            return {"reencoded": self.again(self.encoder.write, value)}
        record = self.decoder.decode(RECORDS[kind], octets)
        fields = record._asdict()
        if "returns" in fields:
            fields["returns"] = [it._asdict() for it in fields["returns"]]
        return {
            kind.lower(): fields,
            "reencoded": self.again(self.encoder.encode, record),
        }

    def again(self, encode: Any, it: Any) -> bytes:
        """Encode what was decoded; nothing where only the encoder refuses it."""
        try:
            return bytes(encode(it))
        except BrrrError:
            return b""

    async def serve(
        self, number: int, topic: str, on_problem: str, *, tasks: bool
    ) -> None:
        async def handler(call_hash: str, call: Call) -> Any:
            if tasks:
                return await self.app.handle(self.brrr, call)
            self.invoked += 1
            call_of = {"topic": topic, "call_hash": call_hash, **call._asdict()}
            self.send(number, {"invocation": {"invocation": self.invoked, **call_of}})
            if not self.brrr:
                raise asyncio.CancelledError  # close came first
            self.answers[self.invoked] = asyncio.Future()
            answer = await self.answers[self.invoked]
            if "fail" in answer:
                raise RuntimeError(answer["fail"])
            if "defer" in answer:
                return answer["defer"]["children"]
            return answer["response"]["value"]

        async def report(error: BrrrError) -> None:
            if on_problem == "STOP":
                raise error
            self.send(number, {"problem": failure(error)})

        worker = self.worker_type(self.brrr, topic, handler, report)
        worker.sets_aside = on_problem == "DEAD_LETTER"
        self.serving[worker] = asyncio.current_task()
        with suppress(asyncio.CancelledError):  # by close
            await worker.run()

    async def close(self) -> None:
        brrr, self.brrr = self.brrr, None
        while self.answers:  # those handlers are given up
            self.answers.popitem()[1].cancel()
        ends = [*(worker.stop() for worker in self.serving), *self.serving.values()]
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*ends, return_exceptions=True), 3)
        self.serving.clear()
        if brrr:
            await brrr.redis.aclose()


if __name__ == "__main__":
    asyncio.run(Adapter().run())
