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


def to_json(record: Any) -> Json:
    match record:
        case Call():
            payload = base64(record.payload)
            return {"task_name": text(record.task_name), "payload": payload}
        case PendingReturns():
            when = record.scheduled_at if is_int64(record.scheduled_at) else 0
            return {"returns": list(map(to_json, record.returns)), "scheduled_at": when}
    return {name: text(value) for name, value in vars(record).items()}


# None for what is not of the type that the SDK promises: no field can hold it.
def text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def base64(value: object) -> str | None:
    return b64encode(value).decode() if isinstance(value, bytes) else None


def is_int64(value: object) -> bool:
    return isinstance(value, int) and -(2**63) <= value < 2**63


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
    return {"octets": base64(await write(from_json(kind, record)))}


async def decode(command: Json) -> Json:
    kind, octets = command["type"].lower(), b64decode(command["octets"])
    if kind == "value":
        again = bencodepy.encode(bencodepy.decode(octets))
        return {"reencoded": base64(again)}
    record = await read(kind, octets)
    return {kind: to_json(record), "reencoded": base64(await write(record))}
