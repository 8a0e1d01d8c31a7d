# SPDX-License-Identifier: AGPL-3.0-only
"""The adapter around all of tiny: the smallest one, and more profiles.

They are codec-json, program and durable.
"""

from __future__ import annotations

import asyncio
import struct
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import smallest
from app import App
from codec import Codec
from durable import DurableWorker
from tasks import TASKS
from tiny import Ask, Brrr, Call, Worker

if TYPE_CHECKING:
    from collections.abc import Mapping


class Adapter(smallest.Adapter):
    def __init__(
        self,
        brrr: type[Brrr] = Brrr,
        worker: type[Worker] = Worker,
        durable: type[DurableWorker] = DurableWorker,
        codec: type[Codec] = Codec,
        app: type[App] = App,
    ):
        super().__init__(brrr, worker)
        self.plain, self.durable = worker, durable
        self.codec, self.app = codec(), app(TASKS)
        self.app.codec = self.codec

    async def execute(self, number: int, name: str, it: Any) -> Any:
        if name == "encode_call":
            args, is_text = self.given(it["args"])
            args = args if is_text else [args]
            payload, call_hash = self.codec.encode_call(it["task_name"], args)
            return {"encoded_call": {"payload": payload, "call_hash": call_hash}}
        if name == "encode_value":
            value, _ = self.given(it["json"])
            return {"encoded": {"octets": self.codec.write(value).encode()}}
        if name == "schedule_task":
            name, it = "schedule", {"ask": self.task(**it)}
        elif name == "read_task":
            name, it = "read", {"call_hash": self.task(**it).call_hash}
        elif name in ("serve", "serve_tasks"):
            aside = {"sets_aside": it["on_problem"] == "DEAD_LETTER"}
            worker = type("Mine", (self.worker_type,), aside)
            tasks = self.run_task if name == "serve_tasks" else None
            await self.serve(number, it, worker, tasks)
            return {"done": {}}
        elif name == "open":
            self.worker_type = self.durable if it["durable"] else self.plain
            self.durable.dead_after_ms = it["dead_after_ms"]
        return await super().execute(number, name, it)

    def task(self, task_name: str, args: str, topic: str = "") -> Ask:
        return self.app.ask(task_name, self.codec.read_args(b64decode(args)), topic)

    async def run_task(self, _: str, call: Call) -> Any:
        return await self.app.handle(self.brrr, call)

    def given(self, it: Mapping[str, str]) -> tuple[Any, bool]:
        """Give the JSON of a command, and whether it is a text."""
        ((form, given),) = it.items()
        if form == "integer":
            return int(given), False
        octets = b64decode(given)
        if form == "double":
            return struct.unpack(">d", octets)[0], False
        if form == "string":
            return octets.decode(errors="surrogatepass"), False
        return self.codec.read(octets), True


if __name__ == "__main__":
    asyncio.run(Adapter().run())
