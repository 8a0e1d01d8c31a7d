# SPDX-License-Identifier: AGPL-3.0-only
"""The Brrr protocol in one file, in the order of the specification.

A method is a step: override one, or the `refuse` of a class, to break a requirement.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from itertools import pairwise
from typing import Any, NamedTuple, NoReturn, TypeAlias, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

MAX_INTEGER = 2**53 - 1
Value: TypeAlias = "int | bytes | list[Value] | dict[bytes, Value]"


class BrrrError(Exception):
    """Every error of this file; code and details are those of adapter.proto."""

    def __init__(self, code: str, reason: str, **details: str | int | bytes):
        super().__init__(reason)
        self.code, self.details = code, details


def refuse(requirement: str, reason: str, **where: int) -> NoReturn:
    """Raise the one error of encoder and decoder."""
    raise BrrrError("REFUSED", reason, requirement=requirement, **where)


class ScheduleMessage(NamedTuple):
    root_id: str
    call_hash: str


class PendingReturn(NamedTuple):
    root_id: str
    call_hash: str
    topic: str


class PendingReturns(NamedTuple):
    returns: tuple[PendingReturn, ...]  # a set, in any order
    scheduled_at: int = 0  # 0 is unset [REC-22]


class Call(NamedTuple):
    payload: bytes
    task_name: str


# A record with a tag is a list of it and the fields [REC-1] [REC-2], any other a dict
# of them [REC-3] [REC-4]. Encoder and Decoder have a method for each content.
TAGS: dict[type, int] = {ScheduleMessage: 2, PendingReturn: 1}
CONTENTS = {"root_id": "text", "call_hash": "ascii", "topic": "text"}
CONTENTS |= {"returns": "returns", "scheduled_at": "seconds"}
CONTENTS |= {"payload": "octets", "task_name": "text"}
Record: TypeAlias = ScheduleMessage | PendingReturn | PendingReturns | Call
R = TypeVar("R", ScheduleMessage, PendingReturn, PendingReturns, Call)
T = TypeVar("T", int, bytes, list[Value], dict[bytes, Value])


class Encoder:
    refuse = staticmethod(refuse)

    def encode(self, record: Record) -> bytes:
        return self.write(self.layout(record))

    def layout(self, record: Record) -> Value:
        given = record._asdict().items()
        fields = {name: getattr(self, CONTENTS[name])(it) for name, it in given}
        if type(record) in TAGS:
            return [TAGS[type(record)], *fields.values()]
        return {name.encode(): it for name, it in fields.items() if it is not None}

    def text(self, text: str) -> bytes:
        try:
            return text.encode()
        except UnicodeEncodeError:
            self.refuse("WIRE-5", f"{text!r} is not well-formed")

    def ascii(self, text: str) -> bytes:
        if not (text.isascii() and text.isprintable()):
            self.refuse("REC-10", f"{text!r} is not printable US-ASCII")
        return self.text(text)

    def octets(self, octets: bytes) -> bytes:
        return octets

    def seconds(self, seconds: int) -> int | None:
        if seconds < 0:
            self.refuse("REC-9", "a scheduled_at below zero")
        return seconds or None  # [REC-8]

    def returns(self, returns: tuple[PendingReturn, ...]) -> list[Value]:
        in_order = sorted(set(returns))  # by field, by code points [REC-6] [REC-7]
        return [self.layout(each) for each in in_order]

    def write(self, value: Value) -> bytes:
        """Write a value of any depth, without recursion."""
        out: list[bytes] = []
        todo: list[Value | str] = [value]  # the next one last; l, d and e are str
        while todo:
            item = todo.pop()
            if isinstance(item, str):
                out.append(item.encode())
            elif isinstance(item, int):
                out.append(self.integer(item))
            elif isinstance(item, bytes):
                out.append(self.string(item))
            elif isinstance(item, list):
                todo += ["e", *reversed(item), "l"]
            else:
                pairs = [it for key in self.keys(item) for it in (key, item[key])]
                todo += ["e", *reversed(pairs), "d"]
        return b"".join(out)

    def integer(self, number: int) -> bytes:
        if abs(number) > MAX_INTEGER:
            self.refuse("WIRE-4", "an integer beyond 2^53-1")
        return b"i%de" % number  # [WIRE-1]

    def string(self, octets: bytes) -> bytes:
        return b"%d:%b" % (len(octets), octets)  # [WIRE-2]

    def keys(self, entries: dict[bytes, Value]) -> list[bytes]:
        return sorted(entries)  # [WIRE-3]


class Decoder:
    max_depth = 32  # [WIRE-27]
    token = re.compile(rb"i(0|-?[1-9][0-9]*)e|(0|[1-9][0-9]*):|[lde]")
    not_a_token = re.compile(  # the first that matches tells what is broken
        rb"(?P<WIRE_12>\A\Z)|(?P<WIRE_13>(?:i-?)?[0-9]*\Z)|(?P<WIRE_16>i-?e)|"
        rb"(?P<WIRE_17>i?-?0[0-9]|i-0e)|(?P<WIRE_18>i)|(?P<WIRE_19>[0-9])|(?P<WIRE_15>)"
    )
    refuse = staticmethod(refuse)

    def value(self, data: bytes) -> Value:
        """Read a value of any depth, without recursion [WIRE-26]."""
        opened: list[tuple[int, bytes, list[Value]]] = []  # start, l or d, content
        end = 0
        value: Value
        while True:
            start, token = end, self.token.match(data, end) or self.no_token(data, end)
            end = token.end()
            if token[0] in (b"l", b"d"):
                opened.append((start, token[0], []))
                if len(opened) > self.max_depth:
                    self.refuse("WIRE-32", "nested too deep", offset=start)
                continue
            if token[1]:
                value = self.number(token[1])
                if abs(value) > MAX_INTEGER:  # [WIRE-24]
                    self.refuse("WIRE-31", "an integer beyond 2^53-1", offset=start)
            elif token[2]:
                end += self.number(token[2])
                if end > len(data):
                    self.refuse("WIRE-21", "a string that is cut short", offset=start)
                value = data[token.end() : end]
            elif opened:
                start, kind, items = opened.pop()
                value = self.pair(items, start) if kind == b"d" else items
            else:
                self.refuse("WIRE-15", "an e that ends nothing", offset=start)
            if opened:
                opened[-1][2].append(value)
            elif end < len(data):
                self.refuse("WIRE-14", "octets after the value", offset=end)
            else:
                return value

    def number(self, digits: bytes) -> int:
        return int(digits[:18])  # enough to tell; int() is not linear

    def no_token(self, data: bytes, at: int) -> re.Match[bytes]:
        broken = getattr(self.not_a_token.match(data, at), "lastgroup", "")
        requirement = broken.replace("_", "-")
        self.refuse(requirement, "no integer, length, l, d or e", offset=at)

    def pair(self, items: list[Value], start: int) -> dict[bytes, Value]:
        keys = [key for key in items[::2] if isinstance(key, bytes)]
        if len(keys) < len(items[::2]):
            self.refuse("WIRE-22", "a key that is not a string", offset=start)
        if len(items) % 2:
            self.refuse("WIRE-23", "a key without a value", offset=start)
        if any(key >= after for key, after in pairwise(keys)):
            self.refuse("WIRE-30", "keys not strictly ascending", offset=start)
        return dict(zip(keys, items[1::2], strict=True))

    def decode(self, kind: type[R], octets: bytes) -> R:
        return self.record(kind, self.value(octets))

    def record(self, kind: type[R], value: Value) -> R:
        name, names = kind.__name__, kind._fields
        if kind in TAGS:
            items = self.typed(list, name, value, "REC-23")
            if items[:1] != [TAGS[kind]]:
                self.refuse("REC-24", f"a {name} without its tag")
            if len(items) != 1 + len(names):
                self.refuse("REC-25", f"a {name} of {len(items)} elements")
            fields = dict(zip(names, items[1:], strict=True))
        else:
            entries = self.typed(dict, name, value, "REC-23")  # [REC-20] [REC-28]
            fields = {k: entries[k.encode()] for k in names if k.encode() in entries}
            for missing in set(names) - set(fields) - set(kind._field_defaults):
                self.refuse("REC-26", f"a {name} without {missing}")
        return kind(**{k: getattr(self, CONTENTS[k])(k, v) for k, v in fields.items()})

    def typed(self, kind: type[T], name: str, value: Value, requirement: str) -> T:
        if not isinstance(value, kind):
            self.refuse(requirement, f"{name} is not a {kind.__name__}")
        return value

    def text(self, name: str, value: Value) -> str:
        try:
            return self.octets(name, value).decode()  # [WIRE-11]
        except UnicodeDecodeError:
            self.refuse("WIRE-25", f"{name} is not UTF-8")

    def ascii(self, name: str, value: Value) -> str:
        text = self.text(name, value)
        if not (text.isascii() and text.isprintable()):
            self.refuse("REC-42", f"{name} is not printable US-ASCII")
        return text

    def octets(self, name: str, value: Value) -> bytes:
        return self.typed(bytes, name, value, "REC-40")

    def seconds(self, name: str, value: Value) -> int:
        seconds = self.typed(int, name, value, "REC-41")
        if seconds < 0:
            self.refuse("REC-41", f"{name} is below zero")
        return seconds

    def returns(self, name: str, value: Value) -> tuple[PendingReturn, ...]:
        returns = self.typed(list, name, value, "REC-27")  # in any order [REC-21]
        return tuple(self.record(PendingReturn, each) for each in returns)


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
        """Take no more messages; one that is on its way is still handled."""
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
        try:
            return await self.handler(job.call_hash, call)  # [WORK-2] [WORK-3]
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
