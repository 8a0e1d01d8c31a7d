# SPDX-License-Identifier: AGPL-3.0-only
"""Adapter processes, each behind its tap, used again from case to case.

A process that has misbehaved is never handed out again. One whose Close went
well is as good as new: the next case opens it anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from redis import ResponseError

from brrr_conformance.adapter import Adapter
from brrr_conformance.http_tap import HttpTap
from brrr_conformance.outcome import AdapterBroken
from brrr_conformance.sleeper import Sleeper
from brrr_conformance.tap import Tap, Trace

if TYPE_CHECKING:
    from brrr_conformance.config import AdapterConfig
    from brrr_conformance.dynamodb import DynamoDb, Table
    from brrr_conformance.pb import adapter_pb2 as pb
    from brrr_conformance.server import Server
    from brrr_conformance.tap import Director


@dataclass(slots=True)
class Member:
    """One process and its taps."""

    adapter: Adapter
    tap: Tap
    url: str
    # On DynamoDB, where that is the store, and its port.
    requests: HttpTap | None = None
    port: int = 0
    opened: bool = False

    @property
    def sleeps(self) -> bool | None:
        """Whether its process has nothing to do; None where it cannot be told."""
        return Sleeper.of(self.adapter.process.pid).sleeps()

    def attach(self, name: str, trace: Trace, director: Director) -> None:
        """From now on, what it sends belongs to this trace."""
        self.tap.attach(name, trace, director)
        if self.requests is not None:
            self.requests.attach(name, trace, director)

    async def open(self, table: Table | None, dead_after_ms: int | None) -> None:
        """Connect it to the database, and to its store if that is elsewhere.

        With a dead time, its workers are durable.
        """
        self.opened = True
        place = table.place(self.port) if table else None
        await self.adapter.open(self.url, place, dead_after_ms)


@dataclass(slots=True)
class Pool:
    server: Server
    # Where the store is, if not on Redis.
    dynamodb: DynamoDb | None = None
    # What each adapter says of itself, by its name; for the report.
    welcomes: dict[str, pb.Welcome] = field(default_factory=dict)
    _free: dict[str, list[Member]] = field(default_factory=dict)

    async def borrow(self, config: AdapterConfig) -> Member:
        """Give a healthy process that is not open."""
        free = self._free.setdefault(config.name, [])
        while free:
            member = free.pop()
            if member.tap.intruded:
                await self._end(member)
                raise AdapterBroken(
                    f"{config.name}: connected to Redis after the Done of an earlier "
                    f"Close, by which {member.tap.worker} of that case was to be over"
                )
            if member.adapter.error is None:
                return member
            await self._end(member)
        adapter = await Adapter.start(config)
        self.welcomes[config.name] = adapter.welcome
        tap = Tap(self.server.host, self.server.port)
        url = self.server.url(await tap.start())
        if self.dynamodb is None:
            return Member(adapter, tap, url)
        requests = HttpTap(self.dynamodb.url, self.dynamodb.session)
        return Member(adapter, tap, url, requests, await requests.start())

    async def give_back(self, member: Member) -> None:
        """Take a process back; raise what Close ended in, if not in Done."""
        adapter = member.adapter
        try:
            if adapter.error is None and member.opened:
                await adapter.close()
                member.opened = False
            await member.tap.detach()
            await self._forget_connections(member)
        finally:
            if adapter.error is None and not member.opened:
                adapter.on_error = adapter.on_io = None
                adapter.patience = math.inf
                self._free[adapter.config.name].append(member)
            else:
                await self._end(member)

    async def end(self) -> None:
        members = [member for free in self._free.values() for member in free]
        self._free.clear()
        await asyncio.gather(*map(self._end, members))

    async def _end(self, member: Member) -> None:
        await self._forget_connections(member)
        await member.adapter.end()
        await member.tap.stop()
        if member.requests is not None:
            await member.requests.stop()

    async def _forget_connections(self, member: Member) -> None:
        """Cut what is still connected, on the server's side first.

        A client that the server believes to be waiting would get, and lose, the
        first message of the next case.
        """
        for connection in list(member.tap.connections.values()):
            with contextlib.suppress(ResponseError):  # it has gone by itself
                await self.server.redis.client_kill(connection.address)
        await member.tap.drop()
        if member.requests is not None:
            await member.requests.drop()


@dataclass(slots=True)
class Shelf:
    """Processes that are never opened: one of each adapter, and no Redis."""

    welcomes: dict[str, pb.Welcome] = field(default_factory=dict)
    _adapters: dict[str, Adapter] = field(default_factory=dict)

    async def take(self, config: AdapterConfig) -> Adapter:
        """Give the process of an adapter; a new one if that has misbehaved."""
        adapter = self._adapters.get(config.name)
        if adapter is not None and adapter.error is not None:
            await adapter.end()
            adapter = None
        if adapter is None:
            adapter = self._adapters[config.name] = await Adapter.start(config)
            self.welcomes[config.name] = adapter.welcome
        return adapter

    async def end(self) -> None:
        for adapter in self._adapters.values():
            await adapter.end()
        self._adapters.clear()


@dataclass(slots=True)
class Bench:
    """Where a case tries encode and decode."""

    shelf: Shelf
    config: AdapterConfig
    # Seconds for each reply, where the usual is more.
    patience: float = math.inf
    last: Adapter | None = None
    trace: Trace = field(default_factory=Trace)

    async def adapter(self) -> Adapter:
        self.last = await self.shelf.take(self.config)
        self.last.patience = self.patience
        self.last.on_io = partial(self.trace.aside, self.config.name)
        return self.last
