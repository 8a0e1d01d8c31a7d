# SPDX-License-Identifier: AGPL-3.0-only
"""Variants of tiny that do things in another way, and are right all the same.

Who fails one of these is wrong itself: it judges how an SDK does something, where
the specification leaves the choice to it. Cheap joins and the store on DynamoDB,
on which mutants are built, are variants too: cheap.py and on_dynamodb.py.
"""

from __future__ import annotations

import asyncio
import uuid
from copy import copy
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, WatchError
from tiny import Brrr, BrrrError, PendingReturns, ScheduleMessage, Worker

from mutants.cheap import Hands
from mutants.kit import lawful

BEHAVIOUR = ("client", "worker")

# ---- other commands ---------------------------------------------------------


@lawful(*BEHAVIOUR)
class ReadsWithMget(Brrr):
    """A record is read with MGET, and whether there is a value with GET."""

    async def do(self, *command, on=None):
        if command[0] == "GET":
            return (await super().do("MGET", command[1], on=on))[0]
        if command[0] == "EXISTS":
            return await super().do("GET", command[1], on=on) is not None
        return await super().do(*command, on=on)


@lawful(*BEHAVIOUR)
class CountsWithIncrby(Brrr):
    """A message is counted with INCRBY, and put with RPUSHX where there are others."""

    async def do(self, *command, on=None):
        if command[0] == "INCR":
            command = ("INCRBY", command[1], 1)
        if command[0] == "RPUSH" and await super().do("RPUSHX", *command[1:]):
            return None
        return await super().do(*command, on=on)


@lawful(*BEHAVIOUR)
class PutsWithAScript(Brrr):
    """A message is counted and put in one script."""

    script = """
        local count = redis.call('INCR', KEYS[1])
        if count <= 10000 then redis.call('RPUSH', KEYS[2], ARGV[1]) end
        return count"""

    async def put_job(self, topic, root_id, call_hash):
        message = self.encoder.encode(ScheduleMessage(root_id, call_hash))
        keys = f"brrr_count/{root_id}", topic
        count = await self.do("EVAL", self.script, 2, *keys, message)
        if count > self.spawn_limit:
            raise BrrrError("SPAWN_LIMIT", f"message {count} of root {root_id}")


@lawful("worker")
class PopsWithBlmpop(Worker):
    """A message is taken with BLMPOP, which waits for 3 s."""

    async def get(self):
        self.polling = True
        try:
            if not self.client_id:
                self.client_id = await self.brrr.do("CLIENT ID", on=self.line)
            pop = "BLMPOP", 3, 1, self.topic, "LEFT"
            reply = await self.brrr.do(*pop, on=self.line)
        finally:
            self.polling = False
        return reply[1][0] if reply else None


# ---- other compare-and-sets -------------------------------------------------


@lawful("worker")
class SwapsWithWatch(Brrr):
    """A compare-and-set is WATCH, GET, MULTI and EXEC."""

    async def swap(self, key, old, new):
        try:
            async with self.redis.pipeline() as line:
                await line.watch(key)
                if await line.get(key) != old:
                    return False
                line.multi()
                line.delete(key) if new is None else line.set(key, new)
                await line.execute()
        except WatchError as error:
            if "watching" not in str(error):
                return False
            # So redis-py calls a connection that was lost: it may have been done.
            raise BrrrError("BACKEND", repr(error)) from error
        except (RedisError, OSError) as error:
            raise BrrrError("BACKEND", repr(error)) from error
        return True


@lawful("worker")
class SwapsWithEvalsha(Brrr):
    """A script is sent by its hash, and whole where the server does not know it."""

    async def swap(self, key, old, new):
        octets = int(old is not None), old or b"", int(new is not None), new or b""
        if not hasattr(self, "sha"):
            self.sha = await self.do("SCRIPT LOAD", self.swap_script)
        try:
            done = await self.redis.execute_command(
                "EVALSHA", self.sha, 1, key, *octets
            )
        except NoScriptError:
            return await super().swap(key, old, new)
        except Exception as error:
            raise BrrrError("BACKEND", repr(error)) from error
        return bool(done)


@lawful("worker")
class SwapsWithAFunction(Brrr):
    """A compare-and-set is a function that was loaded into the server."""

    library = f"""#!lua name=brrr_swap
        redis.register_function('brrr_swap', function(KEYS, ARGV)
            {Brrr.swap_script}
        end)"""

    async def swap(self, key, old, new):
        octets = int(old is not None), old or b"", int(new is not None), new or b""
        if not hasattr(self, "loaded"):
            self.loaded = await self.do("FUNCTION LOAD", "REPLACE", self.library)
        return bool(await self.do("FCALL", "brrr_swap", 1, key, *octets))


@lawful("worker")
class CreatesWithSetNx(Worker):
    """A record is created with SET NX before there was a look at it."""

    async def add_pending_return(self, call_hash, parent):
        new = self.encoder.encode(self.with_return(None, parent))
        if await self.brrr.do("SET", f"pending_returns/{call_hash}", new, "NX"):
            return True
        return await super().add_pending_return(call_hash, parent)


@lawful("worker")
class WritesLess(Worker):
    """A record that would stay as it is, is not written."""

    async def add_pending_return(self, call_hash, parent):
        octets = await self.brrr.get(f"pending_returns/{call_hash}")
        if octets is not None:
            old = self.decoder.decode(PendingReturns, octets)
            if self.encoder.encode(self.with_return(old, parent)) == octets:
                return False
        return await super().add_pending_return(call_hash, parent)


# ---- another order ----------------------------------------------------------


@lawful("worker")
class WritesAllCallsFirst(Worker):
    """All Calls of a defer are written at once, and the last child is put first."""

    async def defer(self, job, asks):
        for child in self.children(asks):
            self.brrr.check(child)
        await asyncio.gather(*(self.brrr.set_call(it) for it in self.children(asks)))
        await super().defer(job, asks[::-1])


@lawful("worker")
class DefersAtOnce(Worker):
    """The children of a defer are written, registered and put side by side."""

    async def defer(self, job, asks):
        children = self.children(asks)
        for child in children:
            self.brrr.check(child)
        each = [super(DefersAtOnce, self).defer(job, [child]) for child in children]
        ends = await asyncio.gather(*each, return_exceptions=True)
        for error in ends:
            if error is not None:
                raise error


@lawful("worker")
class ReturnsAtOnce(Worker):
    """The value and the first read of a return go out in one pipeline."""

    async def finish(self, job, value):
        brrr, do, key = self.brrr, self.brrr.do, f"pending_returns/{job.call_hash}"
        read: list[Any] = []

        async def do_both(*command, on=None):
            if command[0] == "SET" and command[1] == f"value/{job.call_hash}":
                line = brrr.redis.pipeline(transaction=False)
                line.execute_command(*command)
                line.execute_command("GET", key)
                try:
                    read[:] = await line.execute()
                except Exception as error:
                    raise BrrrError("BACKEND", repr(error)) from error
                return read.pop(0)
            if command[:2] == ("GET", key) and read:
                return read.pop()
            return await do(*command, on=on)

        self.brrr = copy(brrr)  # another worker of this process uses it too
        self.brrr.do = do_both
        try:
            await super().finish(job, value)
        finally:
            self.brrr = brrr


@lawful("worker")
class LooksForTheValueFirst(Worker):
    """Before each run there is a look for the value: where it is, nothing runs."""

    async def invoke(self, job, call):
        value = await self.brrr.get(f"value/{job.call_hash}")
        return await super().invoke(job, call) if value is None else value


@lawful("worker")
class HasHands(Hands):
    """Several messages are handled at a time, each hand with a pop of its own."""


# ---- other connections ------------------------------------------------------


class ConnectsOtherwise(Brrr):
    settings: dict[str, Any]

    def __init__(self, url):
        super().__init__(url)
        retry = Retry(NoBackoff(), 0)
        self.redis = Redis.from_url(
            url,
            max_connections=9999,
            retry=retry,
            socket_timeout=30,
            **self.settings,
        )


@lawful(*BEHAVIOUR)
class SpeaksResp2(ConnectsOtherwise):
    """The connections speak RESP2."""

    settings = {"protocol": 2}  # noqa: RUF012 - never changed


@lawful(*BEHAVIOUR)
class SpeaksResp3(ConnectsOtherwise):
    """The connections speak RESP3, and have names."""

    settings = {"protocol": 3, "client_name": "variant"}  # noqa: RUF012


@lawful(*BEHAVIOUR)
class ConnectsEachTime(Brrr):
    """Each command but a pop has a connection of its own."""

    async def do(self, *command, on=None):
        if on is not None:
            return await super().do(*command, on=on)
        settings = self.redis.connection_pool.connection_kwargs
        url = f"redis://{settings['host']}:{settings['port']}/{settings.get('db', 0)}"
        once = Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=30)
        async with once:
            return await super().do(*command, on=once)


# ---- a client ---------------------------------------------------------------


@lawful("client")
class NamesRootsByUuid(Brrr):
    """A root_id is a UUID, and a client asks for the length of a value first."""

    def new_root_id(self):
        return str(uuid.uuid4())

    async def do(self, *command, on=None):
        if command[0] == "EXISTS" and await super().do("STRLEN", command[1]):
            return 1
        return await super().do(*command, on=on)


# What is tried at once, since none gets in the way of another. Each can be tried alone.
MIXTURES = tuple(
    "+".join(names.split())
    for names in (
        """reads-with-mget swaps-with-watch pops-with-blmpop speaks-resp2
           writes-all-calls-first""",
        """counts-with-incrby swaps-with-evalsha creates-with-set-nx speaks-resp3
           returns-at-once""",
        """puts-with-a-script swaps-with-a-function connects-each-time defers-at-once
           looks-for-the-value-first""",
        "names-roots-by-uuid writes-less has-hands",
        "cheap-joins",
        "dynamo-db-store",
    )
)
