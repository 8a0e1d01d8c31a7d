# SPDX-License-Identifier: AGPL-3.0-only
"""The Brrr protocol in one file, in the order of the specification.

A method does one step, so that a test can replace it; `Brrr` holds the parts.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, NoReturn, TypeAlias, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

T = TypeVar("T")
MAX_INTEGER = 2**53 - 1


class BrrrError(Exception):
    code = "UNEXPECTED"
    message: bytes | None = None  # of the queue: what the worker had in hand


class RefusedError(BrrrError):
    """The one decode error; without an offset, the refusal of an encoder."""

    code = "REFUSED"

    def __init__(self, requirement: str, reason: str, offset: int | None = None):
        super().__init__(reason)
        self.requirement, self.offset = requirement, offset


class SpawnLimitError(BrrrError):
    code = "SPAWN_LIMIT"  # [SCHED-12]


class CasExhaustedError(BrrrError):
    code = "CAS_EXHAUSTED"  # [STORE-6]


class CallMissingError(BrrrError):
    code = "CALL_MISSING"  # [WORK-5]


class HandlerError(BrrrError):
    code = "HANDLER_FAILED"  # [WORK-6]; the cause is the handler's exception


class BackendError(BrrrError):
    code = "BACKEND"


class Node(NamedTuple):
    """A bencode value, and the offset that it was read at."""

    value: Any  # int, bytes, list[Node] or dict[bytes, Node]
    at: int


class Reader:
    max_depth = 32  # [WIRE-27]
    token = re.compile(rb"i(-?[0-9]+)e|([0-9]+):|[lde]")  # [WIRE-16] [WIRE-18]
    part_of_token = re.compile(rb"(i-?)?[0-9]*")

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def fail(self, requirement: str, reason: str, at: int) -> NoReturn:
        raise RefusedError(requirement, reason, at)

    def whole(self) -> Node:
        node = self.value()
        if self.at < len(self.data):
            self.fail("WIRE-14", "octets after the value", self.at)
        return node

    def value(self) -> Node:
        """Read one value of any depth, without recursion [WIRE-26]."""
        opened: list[tuple[bytes, Node]] = []
        while True:
            at, (token, integer, length) = self.at, self.next_token()
            if token in (b"l", b"d"):
                opened.append((token, Node([], at)))
                if len(opened) > self.max_depth:
                    self.fail("WIRE-32", "nested too deep", at)
                continue
            if integer:
                node = Node(self.integer(integer, at), at)
            elif length:
                node = Node(self.string(length, at), at)
            elif opened:
                kind, node = opened.pop()
                node = self.pair(node) if kind == b"d" else node
            else:
                self.fail("WIRE-15", "an e that ends nothing", at)
            if not opened:
                return node
            opened[-1][1].value.append(node)

    def next_token(self) -> Sequence[bytes | None]:
        found = self.token.match(self.data, self.at) or self.no_token()
        self.at = found.end()
        return found[0], found[1], found[2]

    def no_token(self) -> NoReturn:
        part = self.part_of_token.match(self.data, self.at)
        at, first = part.end() if part else 0, self.data[self.at : self.at + 1]
        if at == len(self.data):  # [WIRE-20] too
            self.fail("WIRE-13" if at else "WIRE-12", "the input ends early", at)
        if at == self.at:
            self.fail("WIRE-15", "no value begins with this octet", at)
        if first == b"i" and self.data.startswith(b"e", at):
            self.fail("WIRE-16", "an integer without digits", at)
        self.fail("WIRE-18" if first == b"i" else "WIRE-19", "a digit expected", at)

    def integer(self, digits: bytes, at: int) -> int:
        number = self.number(digits.removeprefix(b"-"), at)
        if digits == b"-0":
            self.fail("WIRE-17", "a minus zero", at)
        if number > MAX_INTEGER:  # [WIRE-24] too
            self.fail("WIRE-31", "an integer beyond 2^53-1", at)
        return -number if digits.startswith(b"-") else number

    def string(self, digits: bytes, at: int) -> bytes:
        start, self.at = self.at, self.at + self.number(digits, at)
        if self.at > len(self.data):
            self.fail("WIRE-21", "a string longer than what is left", at)
        return self.data[start : self.at]

    def number(self, digits: bytes, at: int) -> int:
        if len(digits) > 1 and digits.startswith(b"0"):
            self.fail("WIRE-17", "a leading zero", at)
        return int(digits[:17])  # enough to be too large; int() is not linear

    def pair(self, node: Node) -> Node:
        entries: dict[bytes, Node] = {}
        for key, value in zip(node.value[::2], node.value[1::2], strict=False):
            self.check_key(key, next(reversed(entries), None))
            entries[key.value] = value
        if len(node.value) % 2:
            self.fail("WIRE-23", "a key without a value", self.at - 1)
        return Node(entries, node.at)

    def check_key(self, key: Node, previous: bytes | None) -> None:
        if not isinstance(key.value, bytes):
            self.fail("WIRE-22", "a key that is not a string", key.at)
        if previous is not None and key.value <= previous:
            self.fail("WIRE-30", "keys not in strictly ascending order", key.at)


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
    task_name: str
    payload: bytes


Record: TypeAlias = ScheduleMessage | PendingReturn | PendingReturns | Call


class Encoder:
    def encode(self, record: Record) -> bytes:
        return self.write(self.layout(record))

    def layout(self, it: Record) -> Any:
        if isinstance(it, ScheduleMessage):  # [REC-1]
            return [2, self.text(it.root_id), self.ascii(it.call_hash)]
        if isinstance(it, PendingReturn):  # [REC-2]
            return [1, self.text(it[0]), self.ascii(it[1]), self.text(it[2])]
        if isinstance(it, Call):  # [REC-4]
            return {b"payload": it.payload, b"task_name": self.text(it.task_name)}
        returns = self.sort_returns(self.dedupe(it.returns))
        first = {b"returns": [self.layout(each) for each in returns]}
        return first | self.scheduled_at(it.scheduled_at)  # [REC-3]

    def scheduled_at(self, seconds: int) -> dict[bytes, int]:
        if seconds < 0:
            raise RefusedError("REC-9", "a scheduled_at below zero")
        return {b"scheduled_at": seconds} if seconds else {}  # [REC-8]

    def dedupe(self, returns: tuple[PendingReturn, ...]) -> list[PendingReturn]:
        return list(dict.fromkeys(returns))  # [REC-6]

    def sort_returns(self, returns: list[PendingReturn]) -> list[PendingReturn]:
        return sorted(returns)  # field by field, by code points [REC-7]

    def text(self, text: str) -> bytes:
        try:
            return text.encode()
        except UnicodeEncodeError:
            raise RefusedError("WIRE-5", "text with a lone surrogate") from None

    def ascii(self, text: str) -> bytes:
        if not all(" " <= character <= "~" for character in text):
            raise RefusedError("REC-10", "a call_hash that is not printable ASCII")
        return self.text(text)

    def write(self, value: Any) -> bytes:
        """Write a Node, or the same without offsets; without recursion."""
        out: list[bytes] = []
        todo = [value]  # what comes first is last; None is an e
        while todo:
            item = todo.pop()
            item = item.value if isinstance(item, Node) else item
            if isinstance(item, int):
                out.append(self.integer(item))
            elif isinstance(item, bytes):
                out.append(self.string(item))
            elif isinstance(item, list):
                out.append(b"l")
                todo += [None, *reversed(item)]
            elif isinstance(item, dict):
                out.append(b"d")
                keys = reversed(self.sort_keys(item))
                todo += [None, *(part for key in keys for part in (item[key], key))]
            else:
                out.append(b"e")
        return b"".join(out)

    def integer(self, number: int) -> bytes:
        if abs(number) > MAX_INTEGER:
            raise RefusedError("WIRE-4", "an integer beyond 2^53-1")
        return b"i%de" % number  # [WIRE-1]

    def string(self, octets: bytes) -> bytes:
        return b"%d:%b" % (len(octets), octets)  # [WIRE-2]

    def sort_keys(self, entries: dict[bytes, Any]) -> list[bytes]:
        return sorted(entries)  # [WIRE-3]


class Decoder:
    reader = Reader

    def value(self, octets: bytes) -> Node:
        return self.reader(octets).whole()

    def schedule_message(self, octets: bytes) -> ScheduleMessage:  # [REC-1]
        items = self.fields(self.value(octets), 2, 3)
        return ScheduleMessage(self.text(items[1]), self.ascii(items[2]))

    def pending_return(self, octets: bytes) -> PendingReturn:
        return self.one_return(self.value(octets))

    def one_return(self, node: Node) -> PendingReturn:  # [REC-2]
        _, root_id, call_hash, topic = self.fields(node, 1, 4)
        return PendingReturn(
            self.text(root_id), self.ascii(call_hash), self.text(topic)
        )

    def pending_returns(self, octets: bytes) -> PendingReturns:  # [REC-3]
        record = self.entries(self.value(octets), b"returns")
        returns = self.typed(record[b"returns"], list, "REC-27")  # any order [REC-21]
        scheduled_at = self.scheduled_at(record.get(b"scheduled_at", Node(0, 0)))
        return PendingReturns(tuple(map(self.one_return, returns)), scheduled_at)

    def scheduled_at(self, node: Node) -> int:
        if self.typed(node, int, "REC-41") < 0:
            raise RefusedError("REC-41", "a scheduled_at below zero", node.at)
        return int(node.value)

    def call(self, octets: bytes) -> Call:  # [REC-4]
        record = self.entries(self.value(octets), b"payload", b"task_name")
        payload = self.typed(record[b"payload"], bytes, "REC-40")
        return Call(self.text(record[b"task_name"]), payload)

    def typed(self, node: Node, kind: type[T], requirement: str) -> T:
        if not isinstance(node.value, kind):
            raise RefusedError(requirement, f"no {kind.__name__} here", node.at)
        return node.value

    def fields(self, node: Node, tag: int, count: int) -> list[Node]:
        items: list[Node] = self.typed(node, list, "REC-23")
        if not items or items[0].value != tag:
            raise RefusedError("REC-24", f"a list without the tag {tag}", node.at + 1)
        if len(items) != count:
            raise RefusedError("REC-25", "too many or too few elements", node.at)
        return items

    def entries(self, node: Node, *needed: bytes) -> dict[bytes, Node]:
        record: dict[bytes, Node] = self.typed(node, dict, "REC-23")
        if missing := [key for key in needed if key not in record]:  # [REC-28]
            raise RefusedError("REC-26", f"no {missing[0].decode()}", node.at)
        return record  # with unknown keys, which nobody looks at [REC-20]

    def text(self, node: Node) -> str:
        octets = self.typed(node, bytes, "REC-40")
        try:
            return octets.decode()  # [WIRE-11]
        except UnicodeDecodeError as error:
            at = node.at + len(b"%d:" % len(octets)) + error.start
            raise RefusedError("WIRE-25", "text that is not UTF-8", at) from None

    def ascii(self, node: Node) -> str:
        text = self.text(node)
        if not all(" " <= character <= "~" for character in text):
            raise RefusedError("REC-42", "a call_hash not printable ASCII", node.at)
        return text


def connect(url: str) -> Redis:
    # No retries: redis-py repeats a command whose reply was lost, and so would
    # count or put twice, or drop a message. The timeout exceeds a long poll.
    once = Retry(NoBackoff(), 0)
    return Redis.from_url(url, retry=once, socket_timeout=30, max_connections=9999)


async def do(redis: Redis, *command: str | bytes | int) -> Any:
    try:
        return await redis.execute_command(*command)  # type: ignore[no-untyped-call]
    except (RedisError, OSError) as error:
        raise BackendError(f"{command[0]!r}: {error}") from error


CALL, VALUE, PENDING = b"call/", b"value/", b"pending_returns/"  # [REDIS-20]


class Store:
    # GET of an absent key gives false, which equals no octets [STORE-3].
    condition = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end "
    cas_script = condition + "redis.call('SET', KEYS[1], ARGV[2]) return 1"
    cad_script = condition + "redis.call('DEL', KEYS[1]) return 1"

    def __init__(self, redis: Redis):
        self.redis = redis

    async def get(self, key: bytes) -> bytes | None:
        octets: bytes | None = await do(self.redis, "GET", key)
        return octets  # [STORE-1]

    async def set(self, key: bytes, new: bytes) -> None:
        await do(self.redis, "SET", key, new)  # [REDIS-21] [REDIS-23]

    async def set_new(self, key: bytes, new: bytes) -> bool:
        return bool(await do(self.redis, "SET", key, new, "NX"))  # [REDIS-22]

    async def cas(self, key: bytes, new: bytes, old: bytes) -> bool:
        return bool(await do(self.redis, "EVAL", self.cas_script, 1, key, old, new))

    async def cad(self, key: bytes, old: bytes) -> bool:
        return bool(await do(self.redis, "EVAL", self.cad_script, 1, key, old))


class Cache:
    def __init__(self, redis: Redis):
        self.redis = redis

    async def count(self, root_id: bytes) -> int:
        return int(await do(self.redis, "INCR", b"brrr_count/" + root_id))  # [REDIS-10]


class Queue:
    """Messages by topic, which is the key [REDIS-3]. Only one worker may `get`."""

    def __init__(self, redis: Redis):
        self.redis, self.line, self.client_id = redis, redis.client(), 0
        self.closed, self.idle = False, asyncio.Event()
        self.idle.set()

    async def put(self, topic: bytes, message: bytes) -> None:
        await do(self.redis, "RPUSH", topic, message)  # [REDIS-1]

    async def get(self, topic: bytes) -> bytes | None:
        self.idle.clear()
        try:
            self.client_id = self.client_id or await do(self.line, "CLIENT ID")
            reply = await do(self.line, "BLPOP", topic, 20)  # [REDIS-2]
        finally:
            self.idle.set()
        return reply[1] if reply else None

    async def close(self) -> None:
        """End a poll without loss: it still gives a message that was on its way."""
        self.closed = True
        while not self.idle.is_set():
            # Of no effect on a BLPOP that has not arrived yet: hence the loop.
            await do(self.redis, "CLIENT UNBLOCK", self.client_id)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.idle.wait(), 0.02)


class Ask(NamedTuple):
    call_hash: str
    call: Call
    topic: str = ""  # in a Defer, empty is the worker's own


class Defer(NamedTuple):
    asks: tuple[Ask, ...]


Handler: TypeAlias = Callable[[str, Call], Awaitable[bytes | Defer]]
GoOn: TypeAlias = Callable[[BrrrError], Awaitable[bool]]


class Brrr:
    """A client, and what it has in common with a worker."""

    encoder, decoder = Encoder(), Decoder()
    store_type, cache_type, queue_type = Store, Cache, Queue
    spawn_limit = 10_000
    reserved = ("call/", "value/", "pending_returns/", "brrr_count/")

    def __init__(self, redis: Redis):
        self.store, self.cache = self.store_type(redis), self.cache_type(redis)
        self.redis, self.queue = redis, self.queue_type(redis)

    def key(self, kind: bytes, call_hash: str) -> bytes:
        return kind + self.encoder.ascii(call_hash)

    async def schedule(self, ask: Ask) -> None:
        self.check_ask(ask)
        if await self.read(ask.call_hash) is not None:  # [SCHED-1]
            return
        await self.set_call(ask)  # [SCHED-2]
        await self.put_job(ask.topic, self.new_root_id(), ask.call_hash)  # [SCHED-4]

    def check_ask(self, ask: Ask) -> None:
        """Refuse what cannot be encoded before anything is written."""
        self.check_topic(ask.topic)
        self.encoder.ascii(ask.call_hash)
        self.encoder.text(ask.call.task_name)

    def check_topic(self, topic: str) -> None:
        self.encoder.text(topic)
        if topic.startswith(self.reserved):
            raise RefusedError("REDIS-4", "a topic that looks like a record")

    def new_root_id(self) -> str:
        return secrets.token_urlsafe(16)  # [SCHED-3]

    async def read(self, call_hash: str) -> bytes | None:
        return await self.store.get(self.key(VALUE, call_hash))  # [SCHED-5]

    async def set_call(self, ask: Ask) -> None:
        call = self.encoder.encode(ask.call)
        await self.store.set(self.key(CALL, ask.call_hash), call)

    async def put_job(self, topic: str, root_id: str, call_hash: str) -> None:
        message = self.encoder.encode(ScheduleMessage(root_id, call_hash))
        count = await self.cache.count(self.encoder.text(root_id))  # [SCHED-10]
        if count > self.spawn_limit:
            raise SpawnLimitError(f"a root may put {self.spawn_limit} messages")
        await self.queue.put(self.encoder.text(topic), message)  # [SCHED-11]


class Worker:
    """Handles the messages of one topic, one after the other."""

    attempts = 100  # [STORE-5] [STORE-6]

    def __init__(self, brrr: Brrr, topic: str, handler: Handler, go_on: GoOn):
        brrr.check_topic(topic)
        self.brrr, self.store, self.encoder = brrr, brrr.store, brrr.encoder
        self.topic, self.handler, self.go_on = topic, handler, go_on
        self.queue = brrr.queue_type(brrr.redis)

    async def run(self) -> None:
        """Work until `stop`, or until an error after which `go_on` says no."""
        try:
            while not self.queue.closed:
                message = await self.queue.get(self.encoder.text(self.topic))
                if message is not None:  # else ask again [WORK-1]
                    await self.handle_or_report(message)
        finally:
            await self.queue.line.aclose()

    async def stop(self) -> None:
        """Take no more messages; the one in hand is handled to its end."""
        await self.queue.close()

    async def handle_or_report(self, message: bytes) -> None:
        try:
            await self.handle(message)
        except BrrrError as error:  # [WORK-4] [WORK-5] [WORK-6]
            error.message = message
            if not await self.go_on(error):  # [WORK-7]
                raise

    async def handle(self, message: bytes) -> None:
        job = self.brrr.decoder.schedule_message(message)
        octets = await self.store.get(self.brrr.key(CALL, job.call_hash))
        if octets is None:
            raise CallMissingError(f"no call {job.call_hash}")
        outcome = await self.invoke(job, self.brrr.decoder.call(octets))
        if isinstance(outcome, Defer):
            await self.defer(job, outcome)
        else:
            await self.finish(job, outcome)

    async def invoke(self, job: ScheduleMessage, call: Call) -> bytes | Defer:
        try:
            return await self.handler(job.call_hash, call)  # [WORK-2] [WORK-3]
        except Exception as error:
            raise HandlerError(str(error)) from error

    async def defer(self, job: ScheduleMessage, defer: Defer) -> None:
        asks = self.dedupe(defer.asks)
        for ask in asks:
            self.brrr.check_ask(ask)
        for ask in asks:
            await self.brrr.set_call(ask)  # [SCHED-20]
            parent = PendingReturn(job.root_id, job.call_hash, self.topic)  # [SCHED-22]
            if await self.add_pending_return(ask.call_hash, parent):  # [SCHED-21]
                topic = ask.topic or self.topic  # [SCHED-23]
                await self.brrr.put_job(topic, job.root_id, ask.call_hash)

    def dedupe(self, asks: tuple[Ask, ...]) -> list[Ask]:
        return list({ask.call_hash: ask for ask in asks}.values())  # [SCHED-29]

    async def add_pending_return(self, call_hash: str, parent: PendingReturn) -> bool:
        """Note who waits for the call; answer whether it must be put."""
        key = self.brrr.key(PENDING, call_hash)
        for _ in range(self.attempts):  # again from the read [SCHED-26]
            octets = await self.store.get(key)
            if octets is None:
                new = PendingReturns((parent,), self.now())  # [SCHED-24]
                if await self.store.set_new(key, self.encoder.encode(new)):
                    return True
            else:
                old = self.brrr.decoder.pending_returns(octets)
                new = self.with_return(old, parent)
                if await self.store.cas(key, self.encoder.encode(new), octets):
                    return self.should_put(old, parent)
        raise CasExhaustedError(f"pending returns of {call_hash}")

    def now(self) -> int:
        return int(time.time())

    def with_return(self, old: PendingReturns, new: PendingReturn) -> PendingReturns:
        return old._replace(returns=(*old.returns, new))  # [SCHED-25]

    def should_put(self, old: PendingReturns, parent: PendingReturn) -> bool:
        if parent in old.returns:  # [SCHED-28]
            return False
        return any(it[1:] == parent[1:] for it in old.returns)  # [SCHED-27]

    async def finish(self, job: ScheduleMessage, value: bytes) -> None:
        await self.store.set(self.brrr.key(VALUE, job.call_hash), value)  # [RET-1]
        key, handled = self.brrr.key(PENDING, job.call_hash), set[PendingReturn]()
        refused: list[SpawnLimitError] = []
        for _ in range(self.attempts):  # again from the read [RET-4]
            octets = await self.store.get(key)
            if octets is None:
                break
            for parent in self.brrr.decoder.pending_returns(octets).returns:
                if self.must_return(parent, handled):
                    refused += await self.put_return(parent)
            if await self.store.cad(key, octets):
                break
        else:
            raise CasExhaustedError(f"pending returns of {job.call_hash}")
        if refused:  # [RET-5]
            raise refused[0]

    def must_return(self, parent: PendingReturn, handled: set[PendingReturn]) -> bool:
        if parent in handled:  # [RET-3]
            return False
        handled.add(parent)
        return True

    async def put_return(self, parent: PendingReturn) -> list[SpawnLimitError]:
        try:
            await self.brrr.put_job(parent.topic, parent.root_id, parent.call_hash)
        except SpawnLimitError as error:
            return [error]
        return []  # [RET-2]
