# SPDX-License-Identifier: AGPL-3.0-only
"""Examines an adapter, not its SDK: protocol, timing, and whether it can be believed.

Each examination is one sentence and, where something is wrong, what to do about it. The
first problem that makes the rest meaningless ends the examination.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from brrr_conformance.adapter import Adapter
from brrr_conformance.build import ask, queued, response, stored_call
from brrr_conformance.config import AdapterConfig, Profile, load_adapter
from brrr_conformance.outcome import (
    AdapterBroken,
    AdapterCrashed,
    AdapterTimeout,
    CommandFailed,
    HarnessError,
    NotImplementedByAdapter,
)
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.pool import Pool
from brrr_conformance.server import private_server
from brrr_conformance.world import World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from brrr_conformance.server import Server

SLOW_START = 5.0  # seconds, of a start that will be waited for again and again
SLOW_REPLY = 0.5
SLOW_CLOSE = 2.0
SHOWN = 400

# What went wrong, by words of the exception, and what to do.
ADVICE = {
    "cannot start": "Is the command in adapter.toml right? It runs in the adapter's "
    "folder; a script needs #! in its first line and `chmod +x`.",
    "a line is not a Reply": "Standard output is for replies only: print logs, and "
    "what a library says, to standard error. Compare with the fields of "
    "proto/adapter.proto: one JSON object a line.",
    "a frame": "Is `framing` in adapter.toml what the adapter speaks?",
    "no reply to": "Flush standard output after each reply; read commands while "
    "others are under way; reply to each one.",
    "which waits for none": "A reply carries the `id` of its command, once.",
    "a second reply": "A reply carries the `id` of its command, once.",
    "oneof is unset": 'A reply is {id, KIND: {…}}, such as {"id": 2, "done": {}}.',
    "speaks protocol": "Welcome has `protocol: 1`.",
    "without a": "A failure has a `code` and a `reason`.",
    "unknown command": "What the adapter does not know ends in Failure "
    "NOT_IMPLEMENTED, whatever it is: put that behind all that it knows.",
    "claims": "Take the profile out of `profiles` in adapter.toml, or implement it.",
    "no Done to serve": "Close ends all workers: each Serve is replied to with Done.",
    "died of": "The process must live until its standard input ends.",
    "exited with": "The process must live until its standard input ends.",
    "nothing has happened": "Answer each command while workers run, in threads or "
    "tasks; after `answer`, the handler returns, and the worker takes the next "
    "message with a blocking pop.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    # None: not looked at.
    good: bool | None
    what: str
    advice: str = ""


class Over(Exception):
    """Nothing more can be said."""


@dataclass(slots=True)
class Doctor:
    config: AdapterConfig
    findings: list[Finding] = field(default_factory=list)

    async def look(
        self, what: str, at: Callable[[], Awaitable[str | None]], *, ends: bool = False
    ) -> bool:
        """Note whether this goes well; what it gives is good, and worth saying."""
        try:
            said = await at()
        except NotImplementedByAdapter as error:
            self.findings.append(Finding(None, f"{what}: not implemented", str(error)))
            return False
        except Exception as error:
            notes = "\n".join(getattr(error, "__notes__", []))[:SHOWN]
            advice = "\n".join(filter(None, [advise(str(error)), notes]))
            self.findings.append(Finding(False, f"{what}: {error}", advice))
            if ends:
                raise Over from error
            return False
        self.findings.append(Finding(True, f"{what}{f': {said}' if said else ''}"))
        return True

    def problem(self, what: str, advice: str) -> None:
        self.findings.append(Finding(False, what, advice))


def advise(words: str) -> str:
    return next((advice for each, advice in ADVICE.items() if each in words), "")


async def examine(place: Path) -> list[Finding]:
    """Examine the adapter of a folder."""
    try:
        config = load_adapter(place)
    except HarnessError as error:
        advice = "adapters/README.md of Brrr says what is in it; or begin with "
        return [Finding(False, str(error), f"{advice}brrr-conformance new-adapter.")]
    doctor = Doctor(config)
    with contextlib.suppress(Over):
        await _examine_process(doctor)
        if config.profiles & {Profile.CLIENT, Profile.WORKER}:
            async with private_server() as server:
                await _examine_on_redis(doctor, server)
    return doctor.findings


async def _examine_process(doctor: Doctor) -> None:
    config = doctor.config
    await doctor.look("the command is there", lambda: _find_command(config), ends=True)
    adapters: list[Adapter] = []

    async def start() -> str:
        started = time.monotonic()
        adapters.append(await Adapter.start(config))
        seconds = time.monotonic() - started
        if seconds > SLOW_START:
            advice = "It is started again and again: build it beforehand."
            doctor.problem(f"it takes {seconds:.1f} s to start", advice)
        welcome = adapters[0].welcome
        if not welcome.sdk:
            doctor.problem("Welcome names no SDK", "It is for the report.")
        return f"{welcome.sdk} {welcome.version}, {welcome.language}, {seconds:.1f} s"

    await doctor.look("it greets", start, ends=True)
    adapter = adapters[0]
    try:
        await doctor.look("it says that it does not know a command", _probed(adapter))
        await doctor.look("it replies to many commands at once", _crowd(adapter))
        if Profile.WIRE in config.profiles:
            await _examine_wire(doctor, adapter)
        else:
            advice = "Put it into `profiles` of adapter.toml once there are both."
            what = "it does not claim wire: encode and decode"
            doctor.findings.append(Finding(None, what, advice))
    finally:
        status = await adapter.end()
    if adapter.error is None:
        good = status == 0
        what = f"it exits with status {status} when its input ends"
        doctor.findings.append(Finding(good, what, "" if good else "That is to be 0."))


async def _find_command(config: AdapterConfig) -> str:
    return find_command(config)


def find_command(config: AdapterConfig) -> str:
    """Give the path of the program; raise what hinders it."""
    program = config.command[0]
    path = shutil.which(program, path=config.environment()["PATH"])
    if path is None:
        known = Path(program).is_file() and not os.access(program, os.X_OK)
        why = "it is not executable" if known else "there is no such program"
        raise HarnessError(f"cannot start {program}: {why}")
    return path


def _probed(adapter: Adapter) -> Callable[[], Awaitable[None]]:
    async def probe() -> None:
        try:
            await adapter.probe()
        except NotImplementedByAdapter:
            return
        except CommandFailed as error:
            raise AdapterBroken(f"an unknown command ended in {error.code}") from error

    return probe


def _crowd(adapter: Adapter) -> Callable[[], Awaitable[str]]:
    async def send() -> str:
        started = time.monotonic()
        probes = [_probed(adapter)() for _ in range(50)]
        await asyncio.gather(*probes)
        seconds = (time.monotonic() - started) / len(probes)
        if seconds > SLOW_REPLY:
            raise AdapterTimeout(f"no reply to a command within {seconds:.1f} s")
        return f"{seconds * 1000:.1f} ms each"

    return send


async def _examine_wire(doctor: Doctor, adapter: Adapter) -> None:
    """Look whether a record is taken, and what is none is not."""
    octets = b"d7:payload0:9:task_name1:te"

    async def takes() -> None:
        decoded = await adapter.decode(pb.CALL, octets)
        if decoded.call.task_name != "t" or decoded.reencoded != octets:
            raise AdapterBroken(f"{octets!r} became {decoded}")

    async def refuses() -> None:
        try:
            await adapter.decode(pb.CALL, b"hello")
        except CommandFailed as error:
            if error.code != "REFUSED":
                raise
            return
        raise AdapterBroken("decoded 'hello' as a Call: it claims what it cannot do")

    await doctor.look("it decodes a record, and encodes it again", takes)
    await doctor.look("it refuses what is no record", refuses)


async def _examine_on_redis(doctor: Doctor, server: Server) -> None:
    """One client and two workers, on a Redis behind a tap, as in a run."""
    config, pool = doctor.config, Pool(server)
    world = World(
        pool=pool,
        client_config=config,
        worker_configs=(config,),
        redis=server.redis,
    )

    async def client() -> None:
        await world.schedule("t", ask("h"))
        if await world.read("h") is not None:
            raise AdapterBroken("read gives a value that nobody has written")
        if not any(frame.step.keys for frame in world.frames):
            raise AdapterBroken("nothing came to Redis: is redis_url of Open used?")

    async def worker() -> None:
        await world.given(stored_call("w"), queued("t", ("root1", "w")))
        await world.serve("t", {"h": response(b"1"), "w": response(b"2")}, workers=2)
        if await world.stored("value/w") != b"2":
            raise AdapterBroken("a worker has not written the value of a call")

    async def close() -> str:
        started = time.monotonic()
        await world.end()
        seconds = (time.monotonic() - started) / max(1, len(world.workers))
        if seconds > SLOW_CLOSE:
            why = f"close takes {seconds:.1f} s"
            advice = "Close must not wait for a long poll: CLIENT UNBLOCK ends it."
            doctor.problem(why, advice)
        return f"{seconds:.2f} s"

    async def nothing_lost() -> None:
        await world.given(queued("t", ("root1", "left")))
        await asyncio.sleep(0.2)
        if len(await world.queue("t")) != 1:
            raise AdapterBroken(
                "a message that came after Close is gone: a pop is left"
            )

    try:
        if Profile.CLIENT in config.profiles:
            await doctor.look("its client writes and reads", client)
        if Profile.WORKER in config.profiles and await doctor.look(
            "two workers at a time handle messages", worker
        ):
            await doctor.look("it closes", close)
            await doctor.look("nothing takes messages after Close", nothing_lost)
    finally:
        with contextlib.suppress(AdapterBroken, AdapterCrashed, AdapterTimeout):
            await world.end()
        await pool.end()
