# SPDX-License-Identifier: AGPL-3.0-only
"""Records through the SDK's own classes: the commands Encode and Decode."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import bencodepy
from brrr.backends.in_memory import InMemoryByteStore
from brrr.call import Call
from brrr.store import MemKey, Memory, PendingReturns
from brrr.tagged_tuple import PendingReturn, ScheduleMessage, TaggedTupleStrings


class LoneReturn(PendingReturn, TaggedTupleStrings):  # type: ignore[misc]
    """The SDK's PendingReturn, with the encode and decode that its other tuple has."""


Json = dict[str, Any]
RECORDS = {
    "schedule_message": ScheduleMessage,
    "pending_return": LoneReturn,
    "pending_returns": PendingReturns,
}


def from_json(kind: str, r: Json) -> Any:
    if kind == "call":
        return Call(r["task_name"], b64decode(r["payload"]), r.get("call_hash", ""))
    if kind == "pending_returns":
        returns = {PendingReturn(**ret) for ret in r["returns"]}
        return PendingReturns(int(r["scheduled_at"]) or None, returns)  # 0: unset
    return RECORDS[kind](**r)


def to_json(value: Any) -> Any:
    match value:
        case bytes():
            return b64encode(value).decode()
        case str() | int():
            return str(value)
        case set():
            return [to_json(member) for member in value]
        case Call(task_name=task_name, payload=payload):
            return {"task_name": to_json(task_name), "payload": to_json(payload)}
        case ScheduleMessage() | PendingReturn() | PendingReturns():
            return {name: to_json(field) for name, field in vars(value).items()}
    return None  # not what the SDK's types promise, nor what the protocol can hold


async def write(record: Any) -> bytes:
    if not isinstance(record, Call):
        return bytes(record.encode())
    store = InMemoryByteStore()  # a Call is written to and read from a store only
    await Memory(store).set_call(record)
    return bytes(await store.get(MemKey("call", record.call_hash)))


async def read(kind: str, octets: bytes) -> Any:
    if kind != "call":
        return RECORDS[kind].decode(octets)
    store = InMemoryByteStore()
    await store.set(MemKey("call", ""), octets)
    return await Memory(store).get_call("")


async def encode(command: Json) -> Json:
    ill_formed = command.pop("ill_formed", [])
    [(kind, record)] = command.items()
    for text in ill_formed:
        target = record["returns"][0] if "returns" in record else record
        octets = b64decode(text["octets"])
        target[text["field"]] = octets.decode("utf-8", "surrogatepass")
    return {"octets": to_json(await write(from_json(kind, record)))}


async def decode(command: Json) -> Json:
    kind, octets = command["type"].lower(), b64decode(command["octets"])
    if kind == "value":
        again = bencodepy.encode(bencodepy.decode(octets))
        return {"reencoded": to_json(again)}
    record = await read(kind, octets)
    return {kind: to_json(record), "reencoded": to_json(await write(record))}
