# SPDX-License-Identifier: AGPL-3.0-only
"""One adapter process: starts it, speaks adapter.proto with it, ends it.

Whatever the process does, the caller gets an answer in bounded time, and each
kind of misconduct has an exception of its own (outcome.py): death, silence, and
replies that adapter.proto does not allow. After one of these the process is of
no use any more; `error` holds it, and every later command raises it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from brrr_conformance.framing import pack, read_reply
from brrr_conformance.launch import Launched
from brrr_conformance.outcome import (
    AdapterBroken,
    AdapterCrashed,
    AdapterTimeout,
    CommandFailed,
    HarnessError,
    NotImplementedByAdapter,
)
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.promises import broken_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from brrr_conformance.attached import Attached
    from brrr_conformance.config import AdapterConfig

PROTOCOL = 1
START_SECONDS = 15.0  # an interpreter may have to be warmed up
ENDED = "the worker has ended by itself, without a problem"
EXIT_SECONDS = 5.0  # adapter.proto: what Close and the end of input may take

RECORDS = {
    pb.SCHEDULE_MESSAGE: "schedule_message",
    pb.PENDING_RETURN: "pending_return",
    pb.PENDING_RETURNS: "pending_returns",
    pb.CALL: "call",
    pb.VALUE: None,
}


@dataclass(slots=True)
class Serving:
    """One Serve under way: who hears of its invocations and how it ended."""

    topic: str
    on_invocation: Callable[[Serving, pb.Invocation], None]
    on_problem: Callable[[Serving, pb.Failure], None]
    on_end: Callable[[Serving], None]
    policy: pb.OnProblem
    command: pb.Command = field(default_factory=pb.Command)
    # Set at the end; `failure` is what the worker ended with, None for Done.
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    failure: pb.Failure | None = None


@dataclass(slots=True)
class _Waiting:
    """A command that waits for its one reply."""

    name: str
    reply: asyncio.Future[pb.Reply]


@dataclass(slots=True)
class Adapter:
    config: AdapterConfig
    launched: Launched
    welcome: pb.Welcome = field(default_factory=pb.Welcome)
    error: Exception | None = None
    # Called once when `error` is set.
    on_error: Callable[[], None] | None = None
    # Is shown every command and every reply.
    on_io: Callable[[pb.Command | pb.Reply], None] | None = None
    # Seconds for each reply, where the usual is more.
    patience: float = math.inf
    _last_id: int = 0
    _waiting: dict[int, _Waiting] = field(default_factory=dict)
    _given_up: set[int] = field(default_factory=set)
    _serving: dict[int, Serving] = field(default_factory=dict)
    _invocations: set[int] = field(default_factory=set)
    _closing: bool = False
    _reader: asyncio.Task[None] | None = None

    # ---- life ---------------------------------------------------------------

    @classmethod
    async def start(cls, config: AdapterConfig) -> Adapter:
        """Start the process and greet it."""
        adapter = cls(config, await Launched.start(config))
        adapter._reader = asyncio.create_task(adapter._read())
        try:
            await adapter._greet()
        except BaseException as error:
            await adapter.end()
            if log := adapter.log():
                error.add_note(f"standard error:\n{log}")
            raise
        return adapter

    @property
    def process(self) -> asyncio.subprocess.Process | Attached:
        return self.launched.process

    async def end(self) -> int:
        """End the process: gently when it is healthy. Gives the exit status."""
        if self.error is None and self.process.stdin is not None:
            self._closing = True
            self.process.stdin.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), self._limit(EXIT_SECONDS))
        status = await self.launched.end()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
        return status

    def log(self) -> str:
        """Give the end of what the process wrote to standard error."""
        return self.launched.log()

    def kill(self) -> None:
        """End the process at once, as a power cut would; that is no misconduct."""
        self._fail(AdapterCrashed(f"{self.config.name} was killed by the case"))

    # ---- commands -----------------------------------------------------------

    async def _greet(self) -> None:
        hello = pb.Command(hello=pb.Hello(protocol=PROTOCOL))
        self.welcome = (await self._ask(hello, "welcome", START_SECONDS)).welcome
        if self.welcome.protocol != PROTOCOL:
            raise self._broken(f"speaks protocol {self.welcome.protocol}, not 1")

    async def probe(self) -> None:
        """Send a command that there is not; raise what the adapter makes of it."""
        await self._ask(pb.Command(), "nothing")

    async def encode(self, encode: pb.Encode) -> bytes:
        command = pb.Command(encode=encode)
        return (await self._ask(command, "encoded")).encoded.octets

    async def decode(self, type_: pb.RecordType, octets: bytes) -> pb.Decoded:
        command = pb.Command(decode=pb.Decode(type=type_, octets=octets))
        decoded = (await self._ask(command, "decoded")).decoded
        if decoded.WhichOneof("record") != RECORDS[type_]:
            name = pb.RecordType.Name(type_)
            raise self._broken(
                f"Decoded for {name} holds {decoded.WhichOneof('record')}"
            )
        return decoded

    async def encode_call(self, task_name: str, args: pb.Json) -> pb.EncodedCall:
        message = pb.EncodeCall(task_name=task_name, args=args)
        command = pb.Command(encode_call=message)
        return (await self._ask(command, "encoded_call")).encoded_call

    async def encode_value(self, value: pb.Json) -> bytes:
        command = pb.Command(encode_value=pb.EncodeValue(json=value))
        return (await self._ask(command, "encoded")).encoded.octets

    async def open(
        self,
        redis_url: str,
        dynamodb: pb.DynamoDb | None = None,
        dead_after_ms: int | None = None,
    ) -> None:
        """Connect; with a dead time, to a durable queue."""
        message = pb.Open(
            redis_url=redis_url,
            dynamodb=dynamodb,
            durable=dead_after_ms is not None,
            dead_after_ms=dead_after_ms or 0,
        )
        await self._ask(pb.Command(open=message), "done")

    async def schedule(self, ask: pb.Ask) -> None:
        await self._ask(pb.Command(schedule=pb.Schedule(ask=ask)), "done")

    async def read(self, call_hash: str) -> bytes | None:
        command = pb.Command(read=pb.Read(call_hash=call_hash))
        found = (await self._ask(command, "found")).found
        return found.value if found.HasField("value") else None

    async def schedule_task(self, topic: str, task_name: str, args: bytes) -> None:
        message = pb.ScheduleTask(topic=topic, task_name=task_name, args=args)
        await self._ask(pb.Command(schedule_task=message), "done")

    async def read_task(self, task_name: str, args: bytes) -> bytes | None:
        """Give the value as JSON text; None is absent."""
        message = pb.ReadTask(task_name=task_name, args=args)
        reply = await self._ask(pb.Command(read_task=message), "found")
        return reply.found.value if reply.found.HasField("value") else None

    async def close(self) -> None:
        """Stop all workers and close the connections."""
        self._closing = True
        command = pb.Command(close=pb.Close())
        await self._ask(command, "done", EXIT_SECONDS)
        try:  # the Done of a Serve may come just after that of Close
            async with asyncio.timeout(self._limit(EXIT_SECONDS)):
                for serving in list(self._serving.values()):
                    await serving.ended.wait()
        except TimeoutError:
            raise self._timed_out("no Done to serve after close") from None
        if self.error is not None:
            raise self.error
        self._invocations.clear()
        self._closing = False

    async def serve(
        self, serving: Serving, concurrency: int = 0, *, tasks: bool = False
    ) -> None:
        """Start a worker; the callbacks of `serving` tell what it does.

        With `tasks`, it runs the tasks of conformance/programs.md by itself.
        """
        message = pb.Serve(
            topic=serving.topic, on_problem=serving.policy, concurrency=concurrency
        )
        command = pb.Command(serve=message)
        if tasks:
            command = pb.Command(serve_tasks=message)
        serving.command = command
        await self._send(command, lambda number: self._serve(number, serving))

    def _serve(self, number: int, serving: Serving) -> None:
        self._serving[number] = serving

    async def answer(self, answer: pb.Answer) -> None:
        """Answer an invocation."""
        self._invocations.discard(answer.invocation)
        await self._send(pb.Command(answer=answer), lambda _: None)

    async def _ask(
        self, command: pb.Command, expected: str, timeout: float | None = None
    ) -> pb.Reply:
        """Send a command and wait for its one reply, of the expected kind."""
        name = command.WhichOneof("command") or "nothing"
        future: asyncio.Future[pb.Reply] = asyncio.get_running_loop().create_future()
        seconds = self._limit(min(timeout or self.config.timeout, self.patience))
        try:
            async with asyncio.timeout(seconds):
                await self._send(
                    command,
                    lambda number: self._waiting.update(
                        {number: _Waiting(name, future)}
                    ),
                )
                reply = await future
        except TimeoutError:
            error = self._timed_out(f"no reply to {name} within {seconds:g} s")
            raise error from None
        except asyncio.CancelledError:  # the case is over; its reply comes late
            self._given_up.add(command.id)
            raise
        finally:
            self._waiting.pop(command.id, None)
        if reply.WhichOneof("reply") == "failure":
            raise self._failure(command, reply.failure)
        if reply.WhichOneof("reply") != expected:
            raise self._broken(f"replied to {name} with {reply.WhichOneof('reply')}")
        return reply

    def _limit(self, seconds: float) -> float | None:
        """Give how long to wait; under a debugger, that is for ever."""
        return None if self.config.attached else seconds

    async def _send(self, command: pb.Command, register: Callable[[int], None]) -> None:
        if self.error is not None:
            raise self.error
        self._last_id += 1
        command.id = self._last_id
        register(command.id)
        if self.on_io is not None:
            self.on_io(command)
        stdin = self.process.stdin
        if stdin is None:
            raise HarnessError("the adapter has no standard input")
        # A process that has died is the reader's business: it knows how.
        with contextlib.suppress(ConnectionError):
            surrogates = self.welcome.lone_surrogates
            stdin.write(pack(self.config.framing, command, surrogates=surrogates))
            await stdin.drain()

    def _failure(self, command: pb.Command, failure: pb.Failure) -> Exception:
        name = command.WhichOneof("command") or "nothing"
        if failure.code == pb.NOT_IMPLEMENTED:
            if broken := broken_by(self.config, command):
                return AdapterBroken(f"{broken}: {failure.reason}")
            return NotImplementedByAdapter(f"{name}: {failure.reason}")
        return CommandFailed(name, failure)

    # ---- replies ------------------------------------------------------------

    async def _read(self) -> None:
        stdout = self.process.stdout
        if stdout is None:
            raise HarnessError("the adapter has no standard output")
        how = "standard output ended"
        try:
            while reply := await read_reply(self.config.framing, stdout):
                self._take(reply)
        except EOFError as error:
            how = str(error)
        except AdapterBroken as error:
            self._broken(str(error))
            return
        except Exception as error:  # ours; nobody may wait for ever because of it
            self._fail(HarnessError(f"while reading replies: {error!r}"))
            raise
        if self.error is None:
            fate = await self.launched.fate()
            fate = f" {fate}" if fate else f": {how}, the process lives on"
            self._fail(AdapterCrashed(f"{self.config.name}{fate}"))

    def _take(self, reply: pb.Reply) -> None:
        """Hand a reply to whom it belongs; raise AdapterBroken if to nobody."""
        if self.on_io is not None:
            self.on_io(reply)
        kind = reply.WhichOneof("reply")
        if kind is None:
            raise AdapterBroken(f"reply {reply.id} says nothing (its oneof is unset)")
        if kind in ("failure", "problem"):
            _check_failure(reply.failure if kind == "failure" else reply.problem)
        if serving := self._serving.get(reply.id):
            self._take_served(serving, kind, reply)
        elif waiting := self._waiting.get(reply.id):
            if not waiting.reply.done():
                waiting.reply.set_result(reply)
                return
            raise AdapterBroken(f"a second reply to {waiting.name}: {kind}")
        elif reply.id in self._given_up:
            self._given_up.remove(reply.id)
        else:
            raise AdapterBroken(f"{kind} for command {reply.id}, which waits for none")

    def _take_served(self, serving: Serving, kind: str, reply: pb.Reply) -> None:
        if kind == "invocation":
            number = reply.invocation.invocation
            if number in self._invocations:
                raise AdapterBroken(f"a second invocation with the number {number}")
            self._invocations.add(number)
            serving.on_invocation(serving, reply.invocation)
        elif kind == "problem":
            if serving.policy == pb.STOP:
                raise AdapterBroken("a problem while serving with STOP")
            serving.on_problem(serving, reply.problem)
        elif kind in ("failure", "done"):
            del self._serving[reply.id]
            if kind == "failure":
                serving.failure = reply.failure
            elif not self._closing:  # a loop that ends, and its adapter sees no error
                serving.failure = pb.Failure(code=pb.UNEXPECTED, reason=ENDED)
            serving.ended.set()
            serving.on_end(serving)
        else:
            raise AdapterBroken(f"replied to serve with {kind}")

    # ---- misconduct ---------------------------------------------------------

    def _broken(self, what: str) -> Exception:
        return self._fail(AdapterBroken(f"{self.config.name}: {what}"))

    def _timed_out(self, what: str) -> Exception:
        return self._fail(AdapterTimeout(f"{self.config.name}: {what}"))

    def _fail(self, error: Exception) -> Exception:
        """Give the process up: nothing that it says from now on counts."""
        if self.error is not None:
            return self.error
        self.error = error
        self.launched.kill()
        for waiting in self._waiting.values():
            if not waiting.reply.done():
                waiting.reply.set_exception(error)
        for serving in self._serving.values():
            serving.ended.set()
        if self.on_error is not None:
            self.on_error()
        return error


def _check_failure(failure: pb.Failure) -> None:
    if failure.code == pb.CODE_UNSPECIFIED:
        raise AdapterBroken(f"a Failure without a code: {failure.reason!r}")
    if not failure.reason:
        raise AdapterBroken(f"a Failure without a reason: {pb.Code.Name(failure.code)}")
