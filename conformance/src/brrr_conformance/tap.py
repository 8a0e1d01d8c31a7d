# SPDX-License-Identifier: AGPL-3.0-only
"""The tap: a proxy between one adapter process and Redis that sees every frame.

Each connection has two pumps. The one towards Redis shows each command to the
director, who may take its time, change what is around it, and say what goes on;
the one back notes each reply. What passed is in the Trace, which is what the
rest of the runner looks at and waits on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from brrr_conformance import resp
from brrr_conformance.aside import Act, Aside, Deed
from brrr_conformance.outcome import HarnessError
from brrr_conformance.step import Step, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from brrr_conformance.aside import What

READ_AHEAD = 1 << 20
# Of the event loop, from a connection that is made to our hearing of it.
TURNS = 5
PING, DISCARD = Step((b"PING",)), Step((b"DISCARD",))


@dataclass(frozen=True, slots=True)
class Answer:
    """An error that a command gets in place of the database, which never sees it."""

    error: str


class Director(Protocol):
    """Who decides what passes, and when; a ConnectionError cuts the connection."""

    async def admit(self, worker: str, connection: int, step: Step) -> Step | Answer:
        """Return what is to go to Redis for this command, when it is to go."""

    async def release(
        self, worker: str, connection: int, step: Step, reply: resp.Reply
    ) -> resp.Reply:
        """Return what is to go back for this command, when it is to go."""


class PassAll:
    async def admit(self, worker: str, connection: int, step: Step) -> Step | Answer:
        del worker, connection
        return step

    async def release(
        self, worker: str, connection: int, step: Step, reply: resp.Reply
    ) -> resp.Reply:
        del worker, connection, step
        return reply


@dataclass(frozen=True, slots=True)
class Frame:
    """A command, or the reply to it: then `reply` is set."""

    seconds: float
    worker: str
    connection: int
    step: Step
    reply: resp.Reply | None = None

    def __str__(self) -> str:
        head = f"{self.seconds:8.4f} {self.worker:<10} c{self.connection:<2}"
        if self.reply is None:
            return f"{head} > {self.step}"
        return f"{head} < {_show(self.reply.value)}"


@dataclass(frozen=True, slots=True)
class Intervention:
    """What was done to a command or to its reply."""

    seconds: float
    worker: str
    connection: int
    text: str
    # So many frames had been seen before.
    at: int

    def __str__(self) -> str:
        return (
            f"{self.seconds:8.4f} {self.worker:<10} c{self.connection:<2} * {self.text}"
        )


@dataclass(slots=True)
class Trace:
    """What happened in one case, in order; wakes whoever waits for more."""

    start: float = field(default_factory=time.monotonic)
    # The same moment as the time of day.
    began: float = field(default_factory=time.time)
    frames: list[Frame] = field(default_factory=list)
    interventions: list[Intervention] = field(default_factory=list)
    # All of adapter.proto that passed, and what the case itself did.
    asides: list[Aside] = field(default_factory=list)
    # Set while a case has taken the database away: that nobody answers is no news.
    outage: bool = False
    # What broke, apart from what a command's own reply tells.
    error: Exception | None = None
    # Counts frames, invocations, answers, problems, ends: anything.
    events: int = 0
    # When the last of them was.
    last: float = field(default_factory=time.monotonic)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def add(
        self, tap: str, connection: int, step: Step, reply: resp.Reply | None = None
    ) -> None:
        seconds = time.monotonic() - self.start
        self.frames.append(Frame(seconds, tap, connection, step, reply))
        self.touch()

    def intervene(self, worker: str, connection: int, text: str) -> None:
        seconds = time.monotonic() - self.start
        at = len(self.frames)
        self.interventions.append(Intervention(seconds, worker, connection, text, at))
        self.touch()

    def lines(self, last: int | None = None) -> list[str]:
        """Show the last frames, and what was done to them."""
        first = max(0, len(self.frames) - last) if last is not None else 0
        lines = [(at, 1, str(self.frames[at])) for at in range(first, len(self.frames))]
        lines += [(it.at, 0, str(it)) for it in self.interventions if it.at >= first]
        return [line for _, _, line in sorted(lines, key=lambda each: each[:2])]

    def aside(self, worker: str, what: What) -> None:
        seconds = time.monotonic() - self.start
        self.asides.append(Aside(seconds, len(self.frames), worker, what))

    def fail(self, error: Exception) -> None:
        self.error = self.error or error
        self.touch()

    def touch(self) -> None:
        self.events += 1
        self.last = time.monotonic()
        self._changed.set()

    async def changed(self, since: int, timeout: float) -> bool:
        """Wait for an event after the first `since`; tell whether one came."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while self.events <= since:
                    self._changed.clear()
                    await self._changed.wait()
        return self.events > since


@dataclass(slots=True)
class Connection:
    number: int
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    # Commands whose reply is still to come, the oldest first.
    waiting: deque[Step] = field(default_factory=deque)
    # Whether a command has come that the director has not let go yet.
    held: bool = False
    # What some of them get instead, by their ids.
    answers: dict[int, Answer] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """As CLIENT LIST of the server shows it."""
        host, port = self.server.get_extra_info("sockname")[:2]
        return f"{host}:{port}"

    @property
    def pops(self) -> bool:
        """Whether it waits for a message and for nothing else."""
        return self.busy and not self.held and all(it.is_pop for it in self.waiting)

    @property
    def busy(self) -> bool:
        return self.held or bool(self.waiting)


@dataclass(slots=True)
class Tap:
    host: str
    port: int
    worker: str = ""
    trace: Trace = field(default_factory=Trace)
    director: Director = field(default_factory=PassAll)
    connections: dict[int, Connection] = field(default_factory=dict)
    # Set between cases: whoever connects then is turned away, and noted here.
    closed: bool = False
    intruded: bool = False
    _count: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    # ---- life ---------------------------------------------------------------

    async def start(self) -> int:
        """Listen; give the port."""
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, limit=READ_AHEAD
        )
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def attach(self, worker: str, trace: Trace, director: Director) -> None:
        """From now on, what passes belongs to this trace."""
        self.worker, self.trace, self.director = worker, trace, director
        self._count, self.closed = 0, False

    @property
    def connecting(self) -> bool:
        """Whether a connection is being made."""
        return len(self._tasks) > len(self.connections)

    async def detach(self) -> None:
        """From now on, nobody is to connect; who has by now is let in first."""
        for _ in range(TURNS):
            await asyncio.sleep(0)
        self.closed = True

    def cut(self) -> None:
        """Close all connections, from within a hook too: as a network would."""
        for connection in self.connections.values():
            connection.client.transport.abort()
            connection.server.transport.abort()

    async def drop(self) -> None:
        """Close all connections."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        await self.drop()

    # ---- pumps --------------------------------------------------------------

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.create_task(self._connect(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self.closed:
            self.intruded = True
            writer.close()
            return
        self._count += 1
        number, trace, worker = self._count, self.trace, self.worker
        try:
            from_server, to_server = await asyncio.open_connection(
                self.host, self.port, limit=READ_AHEAD
            )
        except OSError as error:
            if not trace.outage:
                trace.fail(HarnessError(f"no Redis behind the tap: {error}"))
            writer.close()
            return
        connection = Connection(number, writer, to_server)
        self.connections[number] = connection
        pumps = [
            asyncio.create_task(self._pump_commands(connection, reader)),
            asyncio.create_task(self._pump_replies(connection, from_server)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            if pumps[1].done():  # the server hung up: known before the client knows
                trace.aside(worker, Deed(Act.CUT))
        finally:
            for pump in pumps:
                pump.cancel()
            writer.close()
            to_server.close()
            self.connections.pop(number, None)
            for result in await asyncio.gather(*pumps, return_exceptions=True):
                # Either side may hang up at any time: no error of the tap's.
                if isinstance(result, Exception) and not isinstance(
                    result, (ConnectionError, asyncio.IncompleteReadError)
                ):
                    trace.fail(HarnessError(f"tap of {self.worker}: {result!r}"))
            trace.touch()

    async def _pump_commands(
        self, connection: Connection, reader: asyncio.StreamReader
    ) -> None:
        while command := await resp.read_command(reader):
            words, raw = command
            if words:
                step = Step(words)
                connection.held = True
                goes = await self.director.admit(self.worker, connection.number, step)
                connection.held = False
                if isinstance(goes, Answer):
                    # Something harmless goes instead: so answers stay in order.
                    raw = encode(DISCARD if step.name == "EXEC" else PING)
                    connection.answers[id(step)] = goes
                elif goes is not step:
                    step, raw = goes, encode(goes)
                connection.waiting.append(step)
                self.trace.add(self.worker, connection.number, step)
            connection.server.writelines(raw)
            await connection.server.drain()

    async def _pump_replies(
        self, connection: Connection, reader: asyncio.StreamReader
    ) -> None:
        while reply := await resp.read_reply(reader):
            step = None
            if not reply.push and connection.waiting:
                step = connection.waiting[0]
                if instead := connection.answers.pop(id(step), None):
                    reply = error_reply(instead.error)
                reply = await self.director.release(
                    self.worker, connection.number, step, reply
                )
            # Passed on first, noted then: the same for everybody, and the
            # client gets its reply without waiting for us.
            connection.client.writelines(reply.raw)
            if step is not None:
                connection.waiting.popleft()
                self.trace.add(self.worker, connection.number, step, reply)
            await connection.client.drain()


def encode(step: Step) -> list[bytes]:
    """Write a command as RESP."""
    raw = [b"*%d\r\n" % len(step.args)]
    for arg in step.args:
        raw += (b"$%d\r\n" % len(arg), arg, resp.CRLF)
    return raw


def error_reply(error: str) -> resp.Reply:
    text = error.encode()
    return resp.Reply(resp.Error(text), [b"-" + text + resp.CRLF])


def _show(value: resp.Value) -> str:
    match value:
        case None:
            return "(nil)"
        case resp.Error(text):
            return f"-{shorten(text)}"
        case list():
            return "[" + ", ".join(_show_some(value)) + "]"
        case bytes():
            return shorten(value)
        case _:
            return str(value)


def _show_some(values: list[resp.Value], most: int = 8) -> Iterator[str]:
    for value in values[:most]:
        yield _show(value)
    if len(values) > most:
        yield f"… {len(values)} in all"
