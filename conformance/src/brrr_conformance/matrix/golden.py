# SPDX-License-Identifier: AGPL-3.0-only
"""Golden records: what each SDK writes, every other one reads to the same meaning.

Records come from the SDK's encoder, and from its client and workers at work; payloads
and values from its tasks. The first reader is the specification, by the runner's
own codec: octets that it does not accept are the writer's fault, and nobody else
is asked what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from brrr_conformance import deviation, jcs, records
from brrr_conformance.bencode import DecodeError, EncodeError
from brrr_conformance.build import ask, defer, queued, stored_call
from brrr_conformance.build import value as stored_value
from brrr_conformance.config import Profile
from brrr_conformance.forms import from_message
from brrr_conformance.judge import FIELDS, TYPES, comparable, to_encode
from brrr_conformance.matrix.arena import PLAYS, speak_with
from brrr_conformance.matrix.samples import EVERY_OCTET, JSON, RECORDS
from brrr_conformance.notation import show
from brrr_conformance.outcome import (
    CaseFailed,
    CommandFailed,
    NotImplementedByAdapter,
    Status,
)
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.program import Call
from brrr_conformance.records import Kind, PendingReturn, PendingReturns, Record
from brrr_conformance.report import Outcome
from brrr_conformance.server import raw

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from brrr_conformance.config import AdapterConfig
    from brrr_conformance.matrix.arena import Arena
    from brrr_conformance.world import World

SECONDS = 60.0
SPEC = "spec"
PAYLOAD, VALUE = "payload", "value"
SHOWN = 120
TOPIC, CHILDREN, TASKS = "t", "größe/:\U0001f600", "w"

# A record; or canonical JSON, of a payload or a value.
Meaning: TypeAlias = "Record | str"


@dataclass(frozen=True, slots=True)
class Written:
    """Octets that an SDK has written, and what it was to write."""

    kind: str
    name: str
    octets: bytes
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class Disagreement:
    kind: str
    name: str
    octets: bytes
    said: str

    def __str__(self) -> str:
        shown = show(self.octets, SHOWN) if self.octets else "(nothing)"
        return f"{self.kind} {self.name}: {shown}: {self.said}"


@dataclass(slots=True)
class Reading:
    """What a reader makes of all that a writer has written."""

    writer: str
    reader: str
    outcome: Outcome
    # By kind: read as meant, and put to it.
    agreed: dict[str, int] = field(default_factory=dict)
    total: dict[str, int] = field(default_factory=dict)
    disagreements: list[Disagreement] = field(default_factory=list)

    @classmethod
    def of(cls, writer: str, reader: str) -> Reading:
        name = f"{deviation.MATRIX}records.{writer}.{reader}"
        fleet = writer if reader in (SPEC, writer) else f"{writer}+{reader}"
        return cls(writer, reader, Outcome(name, fleet, ()))

    def note(self, written: Written, said: str) -> None:
        """Take note of one that was read; `said` is what is wrong with it."""
        kind = written.kind
        self.total[kind] = self.total.get(kind, 0) + 1
        self.agreed[kind] = self.agreed.get(kind, 0) + (not said)
        if said:
            self.disagreements.append(
                Disagreement(kind, written.name, written.octets, said)
            )

    def conclude(self) -> None:
        if not self.total:
            raise NotImplementedByAdapter("nothing of it can be read by itself")
        if self.disagreements:
            number, total = len(self.disagreements), sum(self.total.values())
            lines = [f"{number} of {total} are not read as they were meant"]
            raise CaseFailed("\n".join([*lines, *map(str, self.disagreements)]))


async def play_records(
    arena: Arena, adapters: Sequence[AdapterConfig]
) -> list[Reading]:
    """Let each write, and the specification and each read that."""
    readings = []
    for writer in adapters:
        ids = [Reading.of(writer.name, each.name).outcome.id for each in adapters]
        first = Reading.of(writer.name, SPEC)
        if not any(map(arena.wants, [first.outcome.id, *ids])):
            continue
        good = await _write(arena, writer, first)
        readings.append(first)
        for reader in adapters:
            reading = Reading.of(writer.name, reader.name)
            if first.outcome.status is Status.NOT_IMPLEMENTED:
                said = f"{writer.name} writes nothing"
                reading.outcome = reading.outcome.after(
                    Status.NOT_IMPLEMENTED, 0.0, said
                )
            elif arena.wants(reading.outcome.id):
                await _read(arena, writer, reader, good, reading)
            else:
                continue
            readings.append(reading)
    return readings


# ---- writing ----------------------------------------------------------------


async def _write(arena: Arena, writer: AdapterConfig, first: Reading) -> list[Written]:
    """Have an SDK write all that there is; give what the specification accepts."""
    good: list[Written] = []

    def judge(written: Written) -> None:
        said = _by_spec(written, strict=Profile.CODEC_JSON in writer.profiles)
        first.note(written, said)
        if not said:
            good.append(written)

    async def scene(world: World) -> None:
        if Profile.WIRE in writer.profiles:
            await _encode(arena, writer, first, judge)
        try:
            for written in await _live(world, writer):
                judge(written)
        except DecodeError as error:
            raise CaseFailed(f"what it has stored is no record: {error}") from error
        first.conclude()

    first.outcome = await arena.play(
        first.outcome, [writer], scene, SECONDS, needs=(), wire=False
    )
    return good


async def _live(world: World, writer: AdapterConfig) -> list[Written]:
    if not set(PLAYS) <= writer.profiles:
        return []
    made = await _at_work(world, writer)
    if Profile.PROGRAM in writer.profiles:
        made += await _by_tasks(world, writer)
    return made


async def _encode(
    arena: Arena,
    writer: AdapterConfig,
    first: Reading,
    judge: Callable[[Written], None],
) -> None:
    adapter = await arena.shelf.take(writer)
    for name, record in RECORDS.items():
        kind = type(record).__name__
        try:
            octets = await adapter.encode(to_encode(record))
        except NotImplementedByAdapter:
            continue
        except CommandFailed as error:
            said = f"is not written: {error.failure.reason}"
            first.note(Written(kind, name, b"", record), said)
            continue
        judge(Written(kind, name, octets, record))


async def _at_work(world: World, writer: AdapterConfig) -> list[Written]:
    """Let its client schedule, and its worker defer; give what is stored then."""
    call = records.Call(EVERY_OCTET, "größe-\U0001f600")
    await world.schedule(TOPIC, ask("h", call.task_name, call.payload))
    root, *made = await _one_call(world, "h", TOPIC, "scheduled", call)
    await world.given(stored_call("p"), queued(TOPIC, ("root1", "p")))
    world.worker_configs = (writer,)
    child = ask("c", call.task_name, call.payload, CHILDREN)
    await world.serve(TOPIC, {"p": defer(child), "h": defer(child)})
    made += await _one_call(world, "c", CHILDREN, "of-a-child", call)
    octets = await world.stored("pending_returns/c") or b""
    waiting = [PendingReturn("root1", "p", TOPIC)]
    if isinstance(root.meaning, records.ScheduleMessage):
        waiting.append(PendingReturn(root.meaning.root_id, "h", TOPIC))
    # When, only the writer knows.
    when = PendingReturns.decode(octets).scheduled_at
    meaning = PendingReturns(tuple(waiting), when)
    return [root, *made, Written(Kind.PENDING_RETURNS, "of-two", octets, meaning)]


async def _one_call(
    world: World, name: str, topic: str, what: str, call: records.Call
) -> list[Written]:
    """Give the one message on a queue, and the call that it names."""
    items: list[bytes] = await raw(world.redis, "LRANGE", topic, 0, -1)
    message = records.ScheduleMessage.decode(items[0] if items else b"")
    meaning = records.ScheduleMessage(message.root_id, name)
    stored = await world.stored(f"call/{name}") or b""
    return [
        Written(Kind.SCHEDULE_MESSAGE, what, items[0], meaning),
        Written(Kind.CALL, what, stored, call),
    ]


async def _by_tasks(world: World, writer: AdapterConfig) -> list[Written]:
    """Let its client call `echo`, and its worker answer."""
    for text in JSON.values():
        await world.schedule_task(TASKS, "echo", f"[{text}]".encode())
    hashes = [message.call_hash for message in await world.queue(TASKS)]
    world.worker_configs = (writer,)
    await world.serve(TASKS, tasks=True)
    made = []
    for (name, text), call_hash in zip(JSON.items(), hashes, strict=True):
        meaning = jcs.encode(jcs.decode(text.encode()))
        call = await world.stored(f"call/{call_hash}") or b""
        payload = records.Call.decode(call).payload
        value = await world.stored(f"value/{call_hash}") or b""
        made += [
            Written(PAYLOAD, name, payload, f"[{meaning}]"),
            Written(VALUE, name, value, meaning),
        ]
    return made


# ---- reading ----------------------------------------------------------------


def _by_spec(written: Written, *, strict: bool) -> str:
    """Say what is wrong with it; canonical JSON is due of who has that codec."""
    if isinstance(written.meaning, str):
        text = _canonical(written.octets)
        if strict and text == written.meaning:
            text = written.octets.decode()
        return "" if text == written.meaning else f"not {written.meaning[:SHOWN]}"
    try:
        due = records.encode(written.meaning)
        records.decode(Kind(written.kind), written.octets)
    except (DecodeError, EncodeError) as error:
        return str(error)
    return "" if written.octets == due else f"not {show(due, SHOWN)}"


async def _read(
    arena: Arena,
    writer: AdapterConfig,
    reader: AdapterConfig,
    good: Sequence[Written],
    reading: Reading,
) -> None:
    async def scene(world: World) -> None:
        if Profile.WIRE in reader.profiles:
            await _decode(arena, reader, good, reading)
        if {*PLAYS, Profile.PROGRAM} <= reader.profiles:
            await _run(world, reader, good, reading)
            await _read_values(world, reader, good, reading)
        reading.conclude()

    members = list({each.name: each for each in (reader, writer)}.values())
    reading.outcome = await arena.play(
        reading.outcome, members, scene, SECONDS, needs=(), wire=False
    )


async def _decode(
    arena: Arena, reader: AdapterConfig, good: Sequence[Written], reading: Reading
) -> None:
    adapter = await arena.shelf.take(reader)
    for written in good:
        if isinstance(written.meaning, str):
            continue
        kind = Kind(written.kind)
        try:
            decoded = await adapter.decode(TYPES[kind], written.octets)
        except NotImplementedByAdapter:
            continue
        except CommandFailed as error:
            reading.note(written, f"{reader.name} does not read it: {error}")
            continue
        got = from_message(getattr(decoded, FIELDS[kind]))
        said = ""
        if comparable(got) != comparable(written.meaning):
            said = f"{reader.name} reads {str(got)[:SHOWN]}"
        reading.note(written, said)


async def _run(
    world: World, reader: AdapterConfig, good: Sequence[Written], reading: Reading
) -> None:
    """Have its worker run `echo` on what the other wrote: its value is what it read."""
    payloads = [each for each in good if each.kind == PAYLOAD]
    for each in payloads:
        await world.given(
            stored_call(each.name, "echo", each.octets),
            queued(TASKS, ("root1", each.name)),
        )
    world.worker_configs = (reader,)
    await world.serve(TASKS, tasks=True)
    for each in payloads:
        value = await world.stored(f"value/{each.name}")
        got = "nothing" if value is None else f"[{_canonical(value)}]"
        said = "" if got == each.meaning else f"{reader.name} reads {got[:SHOWN]}"
        reading.note(each, said)


async def _read_values(
    world: World, reader: AdapterConfig, good: Sequence[Written], reading: Reading
) -> None:
    """Have its client read values of the other, where it looks for them."""
    speak_with(world, reader)
    for each in good:
        if each.kind != VALUE:
            continue
        args = f"[{JSON[each.name]}]".encode()
        call_hash = Call.of("echo", jcs.decode(args)).hash
        if Profile.CODEC_JSON not in reader.profiles:
            try:
                encoded = await world.encode_call("echo", pb.Json(text=args))
            except NotImplementedByAdapter:
                return
            call_hash = encoded.call_hash
        await world.given(stored_value(call_hash, each.octets))
        value = await world.read_task("echo", args)
        got = "nothing" if value is None else _canonical(value)
        said = "" if got == each.meaning else f"{reader.name} reads {got[:SHOWN]}"
        reading.note(each, said)


def _canonical(octets: bytes) -> str:
    try:
        return jcs.encode(jcs.decode(octets))
    except jcs.Refused as refused:
        return f"no JSON [{refused}]"
