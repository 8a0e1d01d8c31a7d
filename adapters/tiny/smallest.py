# SPDX-License-Identifier: AGPL-3.0-only
#
# The smallest full adapter: the profiles wire, client and worker. The one to copy from.
# One JSON object a line, as proto/adapter.proto says. `tiny` is the SDK.

import asyncio
import json
import sys
from base64 import b64decode, b64encode
from contextlib import suppress
from typing import Any, get_args

import tiny

WELCOME = {"protocol": 1, "sdk": "tiny", "version": "1", "language": "Python"}
WELCOME |= {"lone_surrogates": True}  # in JSON, as Python reads it
FROM_JSON: Any = dict.fromkeys(("octets", "payload", "value"), b64decode)
FROM_JSON |= {"scheduled_at": int}
TYPES: Any = (*get_args(tiny.Record), tiny.Ask)


# Turns base64 into octets, and what has the fields of a type into that type.
def parse(it: Any) -> Any:
    it |= {name: FROM_JSON[name](it[name]) for name in FROM_JSON.keys() & it.keys()}
    kind = next((each for each in TYPES if it.keys() == {*each._fields}), dict)
    return kind(**it)


def failure(error: Any) -> Any:
    code, details = getattr(error, "code", "UNEXPECTED"), getattr(error, "details", {})
    return {"code": code, "reason": str(error) or repr(error), **details}


class Adapter:
    def __init__(self, brrr: Any = tiny.Brrr, worker: Any = tiny.Worker):
        self.brrr_type, self.worker_type = brrr, worker
        self.encoder, self.decoder = brrr.encoder, brrr.decoder
        self.brrr: Any = None  # until it is opened
        self.answers: dict[int, asyncio.Future[Any]] = {}  # that handlers wait for
        self.invoked = 0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as commands:
            while line := await asyncio.to_thread(sys.stdin.buffer.readline):
                command = json.loads(line, object_hook=parse)
                commands.create_task(self.reply_to(command.pop("id"), command))
            await self.execute(0, "close", {})

    async def reply_to(self, number: int, command: Any) -> None:
        name, it = command.popitem()
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
            return {"welcome": WELCOME}
        if name == "encode":
            return {"encoded": {"octets": self.encoder.encode(*it.values())}}
        if name == "decode":
            return {"decoded": self.decode(it["type"], it["octets"])}
        if name == "read":
            return {"found": {"value": await self.brrr.read(it["call_hash"])}}
        if name == "open" and "dynamodb" not in it:
            self.brrr = self.brrr_type(it["redis_url"])
        elif name == "schedule":
            await self.brrr.schedule(it["ask"])
        elif name == "serve":
            await self.serve(number, it, self.worker_type)
        elif name == "answer":
            self.answers.pop(it["invocation"]).set_result(it)
        elif name == "close":
            if self.brrr:
                await self.brrr.close()
        else:
            raise tiny.BrrrError("NOT_IMPLEMENTED", f"this adapter lacks {name}")
        return {"done": {}}

    def decode(self, kind: str, octets: bytes) -> Any:
        if kind == "VALUE":
            value = self.decoder.value(octets)
            return {"reencoded": self.again(self.encoder.write, value)}
        record_type = getattr(tiny, kind.title().replace("_", ""))  # CALL: Call
        record = self.decoder.decode(record_type, octets)
        fields = record._asdict()
        if "returns" in fields:
            fields["returns"] = [it._asdict() for it in fields["returns"]]
        again = self.again(self.encoder.encode, record)
        return {kind.lower(): fields, "reencoded": again}

    def again(self, encode: Any, it: Any) -> Any:
        with suppress(tiny.BrrrError):  # what only the encoder refuses
            return encode(it)

    async def serve(self, number: int, it: Any, worker: Any, tasks: Any = None) -> None:
        async def ask(call_hash: str, call: tiny.Call) -> Any:
            self.invoked += 1
            self.answers[self.invoked] = future = asyncio.Future[Any]()
            about = {"topic": it["topic"], "call_hash": call_hash, **call._asdict()}
            self.send(number, {"invocation": {"invocation": self.invoked, **about}})
            answer = await future
            if "fail" in answer:
                raise RuntimeError(answer["fail"])
            if "defer" in answer:
                return answer["defer"]["children"]
            return answer["response"]["value"]

        async def report(error: tiny.BrrrError) -> None:
            if it["on_problem"] == "STOP":
                raise error
            self.send(number, {"problem": failure(error)})

        with suppress(asyncio.CancelledError):  # a handler that was given up
            await worker(self.brrr, it["topic"], tasks or ask, report).run()


if __name__ == "__main__":
    asyncio.run(Adapter().run())
