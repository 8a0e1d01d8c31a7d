# SPDX-License-Identifier: AGPL-3.0-only
"""Client and worker, in the order of spec/scheduling.md; wire.py has the records.

A method is a step: override one to break a requirement.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any, NamedTuple, TypeAlias

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from wire import (
    TAGS,
    BrrrError,
    Call,
    Decoder,
    Encoder,
    PendingReturn,
    PendingReturns,
    Record,
    ScheduleMessage,
    refuse,
)

__all__ = ["TAGS", "Ask", "Brrr", "BrrrError", "Call", "Decoder", "Encoder"]
__all__ += ["PendingReturn", "PendingReturns", "Record", "ScheduleMessage", "Worker"]
__all__ += ["refuse"]


class Ask(NamedTuple):
    call_hash: str
    task_name: str
    payload: bytes
    topic: str  # from a handler, empty is the worker's own


class Brrr:
    """A client, and what it has in common with a worker."""

    encoder, decoder = Encoder(), Decoder()
    spawn_limit = 10_000
    reserved: tuple[str, ...] = ("call/", "value/", "pending_returns/", "brrr_count/")
    reserved += ("brrr:inflight:", "brrr:workers:", "brrr:attempts:", "brrr:dead:")
    swap_script = """
        local old, new = ARGV[1] == '1' and ARGV[2], ARGV[3] == '1' and ARGV[4]
        if redis.call('GET', KEYS[1]) ~= old then return 0 end  -- absent is false
        if new then redis.call('SET', KEYS[1], new) else redis.call('DEL', KEYS[1]) end
        return 1"""

    def __init__(self, url: str):
        # No retries: redis-py repeats a command whose reply was lost, and so would
        # count or put twice, or drop a message. The timeout exceeds a long poll.
        settings: Any = {"retry": Retry(NoBackoff(), 0), "socket_timeout": 30}
        self.redis = Redis.from_url(url, max_connections=9999, **settings)
        self.running: dict[Worker, Any] = {}  # and its task
        self.closed = asyncio.Event()

    async def close(self) -> None:
        """Let the workers end, without what their handlers are at, and disconnect."""
        self.closed.set()
        ends = [*(worker.stop() for worker in self.running), *self.running.values()]
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*ends, return_exceptions=True), 3)
        await self.redis.aclose()

    async def do(self, *command: str | bytes | int, on: Redis | None = None) -> Any:
        try:
            return await (on or self.redis).execute_command(*command)  # type: ignore[no-untyped-call]
        except (RedisError, OSError) as error:
            raise BrrrError("BACKEND", f"{command[0]!r}: {error!r}") from error

    async def get(self, key: str) -> bytes | None:
        octets: bytes | None = await self.do("GET", key)
        return octets  # [STORE-1]

    async def swap(self, key: str, old: bytes | None, new: bytes | None) -> bool:
        """Do set_new, cas or cad: None is absent [STORE-3] [REDIS-22]."""
        octets = int(old is not None), old or b"", int(new is not None), new or b""
        return bool(await self.do("EVAL", self.swap_script, 1, key, *octets))

    async def schedule(self, ask: Ask) -> None:
        self.check(ask)
        if await self.do("EXISTS", f"value/{ask.call_hash}"):  # [SCHED-1]
            return
        await self.set_call(ask)  # [SCHED-2]
        await self.put_job(ask.topic, self.new_root_id(), ask.call_hash)  # [SCHED-4]

    def check(self, ask: Ask) -> None:
        """Refuse what cannot be encoded before anything is written."""
        self.check_topic(ask.topic)
        self.encoder.ascii(ask.call_hash)
        self.encoder.text(ask.task_name)

    def check_topic(self, topic: str) -> None:
        self.encoder.text(topic)
        if not topic or topic.startswith(self.reserved):
            refuse("REDIS-4", f"{topic!r} is empty, or looks like a key of ours")

    def new_root_id(self) -> str:
        return secrets.token_urlsafe(16)  # [SCHED-3]

    async def read(self, call_hash: str) -> bytes | None:
        self.encoder.ascii(call_hash)
        return await self.get(f"value/{call_hash}")  # [SCHED-5]

    async def set_call(self, ask: Ask) -> None:
        call = self.encoder.encode(Call(ask.payload, ask.task_name))
        await self.do("SET", f"call/{ask.call_hash}", call)

    async def put_job(self, topic: str, root_id: str, call_hash: str) -> None:
        message = self.encoder.encode(ScheduleMessage(root_id, call_hash))
        count = await self.do("INCR", f"brrr_count/{root_id}")  # [SCHED-10] [REDIS-10]
        if count > self.spawn_limit:  # [SCHED-12]
            raise BrrrError("SPAWN_LIMIT", f"message {count} of root {root_id}")
        await self.do("RPUSH", topic, message)  # [SCHED-11] [REDIS-1] [REDIS-3]


Handler: TypeAlias = Callable[[str, Call], Awaitable[bytes | list[Ask]]]
Report: TypeAlias = Callable[[BrrrError], Awaitable[None]]


class Worker:
    """Handles the messages of one topic, one after the other.

    The handler gives a value, or asks for calls. When `report`, which is told of each
    message that could not be handled, raises the error, the worker ends [WORK-7].
    """

    attempts = 100  # [STORE-5] [STORE-6]
    sets_aside = False  # what is reported; for queues with dead letters
    rest = 0.1  # seconds, before it tries a queue again that has failed

    def __init__(self, brrr: Brrr, topic: str, handler: Handler, report: Report):
        brrr.check_topic(topic)
        self.brrr, self.topic, self.handler, self.report = brrr, topic, handler, report
        self.encoder, self.decoder = brrr.encoder, brrr.decoder
        self.line, self.client_id = brrr.redis.client(), 0
        self.stopped = self.polling = False

    async def run(self) -> None:
        self.brrr.running[self] = asyncio.current_task()
        async with aclosing(self.line):
            while not self.stopped:
                try:
                    message = await self.get()
                except BrrrError as error:  # it connects again [REDIS-5]
                    await self.report(error)
                    self.client_id, message = 0, None
                    await asyncio.sleep(self.rest)
                if message is not None:  # else [WORK-1]
                    await self.take(message)

    async def take(self, message: bytes) -> None:
        problem = None
        try:
            await self.handle(message)
        except BrrrError as error:  # [WORK-11]
            error.details["message"] = message
            await self.report(error)
            problem = error
        await self.done(message, problem)

    async def get(self) -> bytes | None:
        self.polling = True
        try:
            if not self.client_id:
                self.client_id = await self.brrr.do("CLIENT ID", on=self.line)
            reply = await self.brrr.do("BLPOP", self.topic, 20, on=self.line)
        finally:
            self.polling = False
        return reply[1] if reply else None  # [REDIS-2]

    async def done(self, message: bytes, problem: BrrrError | None) -> None:
        """Tell the queue, if it keeps what was taken: this one does not."""

    async def stop(self) -> None:
        """Take no more messages; one on its way is still handled [WORK-12]."""
        self.stopped = True
        while self.polling:  # again, since the BLPOP may not have arrived yet
            await self.brrr.do("CLIENT UNBLOCK", self.client_id)
            await asyncio.sleep(0.01)

    async def handle(self, message: bytes) -> None:
        job = self.decoder.decode(ScheduleMessage, message)  # [WORK-4]
        octets = await self.brrr.get(f"call/{job.call_hash}")
        if octets is None:
            raise BrrrError("CALL_MISSING", f"no call {job.call_hash}")  # [WORK-5]
        outcome = await self.invoke(job, self.decoder.decode(Call, octets))
        if isinstance(outcome, bytes):
            await self.finish(job, outcome)
        else:
            await self.defer(job, outcome)

    async def invoke(self, job: ScheduleMessage, call: Call) -> bytes | list[Ask]:
        handler = asyncio.ensure_future(self.handler(job.call_hash, call))
        closed = asyncio.create_task(self.brrr.closed.wait())
        await asyncio.wait((handler, closed), return_when=asyncio.FIRST_COMPLETED)
        (closed if handler.done() else handler).cancel()  # it is given up
        try:
            return await handler  # [WORK-2] [WORK-3]
        except Exception as error:  # [WORK-6]
            if isinstance(error, BrrrError) and error.code == "BACKEND":
                raise  # it could not look for a value [WORK-11]
            raise BrrrError("HANDLER_FAILED", repr(error)) from error

    async def defer(self, job: ScheduleMessage, asks: list[Ask]) -> None:
        parent = PendingReturn(job.root_id, job.call_hash, self.topic)  # [SCHED-22]
        children = self.children(asks)
        for child in children:
            self.brrr.check(child)  # [WORK-10]
        for child in children:
            await self.brrr.set_call(child)  # [SCHED-20]
            if await self.add_pending_return(child.call_hash, parent):  # [SCHED-21]
                await self.brrr.put_job(child.topic, job.root_id, child.call_hash)

    def children(self, asks: list[Ask]) -> list[Ask]:
        once = {ask.call_hash: ask for ask in asks}.values()  # [SCHED-29]
        return [
            ask._replace(topic=ask.topic or self.topic) for ask in once
        ]  # [SCHED-23]

    async def add_pending_return(self, call_hash: str, parent: PendingReturn) -> bool:
        """Note who waits for the call; answer whether it must be put."""
        key = f"pending_returns/{call_hash}"
        for _ in range(self.attempts):  # again from the read [SCHED-26]
            octets = await self.brrr.get(key)
            old = (
                None if octets is None else self.decoder.decode(PendingReturns, octets)
            )
            new = self.encoder.encode(self.with_return(old, parent))
            if await self.brrr.swap(key, octets, new):
                return self.must_put(old, parent)
        raise BrrrError("CAS_EXHAUSTED", key)

    def with_return(self, old: PendingReturns | None, parent: PendingReturn) -> Record:
        if old is None:
            return PendingReturns((parent,), int(time.time()))  # [SCHED-24]
        return old._replace(returns=(*old.returns, parent))  # [SCHED-25]

    def must_put(self, old: PendingReturns | None, parent: PendingReturn) -> bool:
        if old is None or parent in old.returns:  # [SCHED-28]
            return old is None  # [SCHED-24]
        return any(it[1:] == parent[1:] for it in old.returns)  # [SCHED-27]

    async def finish(self, job: ScheduleMessage, value: bytes) -> None:
        await self.brrr.do("SET", f"value/{job.call_hash}", value)  # [RET-1]
        key = f"pending_returns/{job.call_hash}"
        refused: dict[PendingReturn, BrrrError | None] = {}
        for _ in range(self.attempts):  # again from the read
            octets = await self.brrr.get(key)
            if octets is None:
                break
            for parent in self.decoder.decode(PendingReturns, octets).returns:
                if parent not in refused:  # [RET-3]
                    refused[parent] = await self.put_return(parent)
            if await self.brrr.swap(key, octets, None):  # [RET-4]
                break
        else:
            raise BrrrError("CAS_EXHAUSTED", key)
        for error in filter(None, refused.values()):  # [RET-5]
            raise error

    async def put_return(self, parent: PendingReturn) -> BrrrError | None:
        """Put a parent back [RET-2], or give the spawn limit that was met."""
        try:
            await self.brrr.put_job(parent.topic, parent.root_id, parent.call_hash)
        except BrrrError as error:
            if error.code == "SPAWN_LIMIT":
                return error
            raise
        return None
