# SPDX-License-Identifier: AGPL-3.0-only
"""The judge of vectors, against adapters that do this or that with them."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest

from brrr_conformance.adapter import Adapter
from brrr_conformance.config import load_adapter
from brrr_conformance.judge import judge, to_encode
from brrr_conformance.outcome import (
    AdapterBroken,
    AdapterCrashed,
    AdapterTimeout,
    CaseFailed,
    NotImplementedByAdapter,
)
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.records import PendingReturn, PendingReturns, ScheduleMessage
from brrr_conformance.vector import parse_vector

if TYPE_CHECKING:
    from conftest import MakeAdapter

MESSAGE = {"root_id": "r", "call_hash": "h"}
OCTETS = b"li2e1:r1:he"


def failure(code: str) -> dict[str, Any]:
    return {"reply": {"failure": {"code": code, "reason": "because", "offset": "3"}}}


def decoded(octets: bytes = OCTETS, **record: Any) -> dict[str, Any]:
    reencoded = b64encode(octets).decode()
    return {"reply": {"decoded": {**record, "reencoded": reencoded}}}


def encoded(octets: bytes) -> dict[str, Any]:
    return {"reply": {"encoded": {"octets": b64encode(octets).decode()}}}


REFUSES = failure("REFUSED")
RIGHT = decoded(schedule_message=MESSAGE)
OTHER_RECORD = decoded(schedule_message={"root_id": "R", "call_hash": "h"})
OTHER_OCTETS = decoded(b"li2e1:r1:he ", schedule_message=MESSAGE)
KEPT = decoded(b"", schedule_message=MESSAGE)  # and not written again
KEPT_OTHER = decoded(b"", schedule_message={"root_id": "R", "call_hash": "h"})
CRASH, HANG, GARBAGE = {"kill": 11}, {"hang": True}, {"raw": "x\n"}
FOREIGN = failure("UNEXPECTED")
NONE = failure("NOT_IMPLEMENTED")

PASS = None
TABLE = [
    # what is expected, what the adapter does, how the vector ends
    ("accept", RIGHT, PASS),
    ("accept", REFUSES, CaseFailed),
    ("accept", OTHER_RECORD, CaseFailed),
    ("accept", OTHER_OCTETS, CaseFailed),
    ("reject", REFUSES, PASS),
    ("reject", RIGHT, CaseFailed),
    ("either", RIGHT, PASS),
    ("either", REFUSES, PASS),
    ("either", OTHER_RECORD, CaseFailed),
    ("reject_or_exact", RIGHT, PASS),
    ("reject_or_exact", REFUSES, PASS),
    ("reject_or_exact", OTHER_RECORD, CaseFailed),
    ("reject_or_exact", OTHER_OCTETS, CaseFailed),
    ("reject_or_exact", KEPT, PASS),
    ("reject_or_exact", KEPT_OTHER, CaseFailed),
    # Nothing of this is ever a rejection.
    *(
        (expect, does, ends)
        for expect in ("accept", "reject", "either", "reject_or_exact")
        for does, ends in (
            (CRASH, AdapterCrashed),
            (HANG, AdapterTimeout),
            (GARBAGE, AdapterBroken),
            (FOREIGN, CaseFailed),
            (failure("MISUSE"), CaseFailed),
            (NONE, AdapterBroken),  # it claims wire and worker
        )
    ),
]


async def put(
    make_adapter: MakeAdapter, vector: dict[str, Any], action: Any, level: int = 2
) -> None:
    plan = {"decode": [action], "encode": [action]}
    seconds = 0.5 if action == HANG else 20.0
    folder = make_adapter(plan, timeout=seconds, level=level)
    adapter = await Adapter.start(load_adapter(folder))
    try:
        await judge(parse_vector({"id": "x", **vector}, "here"), adapter)
    finally:
        await adapter.end()


@pytest.mark.parametrize(("expect", "action", "ends"), TABLE)
async def test_decode(
    make_adapter: MakeAdapter,
    expect: str,
    action: Any,
    ends: type[Exception] | None,
) -> None:
    vector = {
        "suite": "decode.ScheduleMessage",
        "hex": OCTETS.hex(),
        "expect": expect,
        "value": MESSAGE,
    }
    if ends is None:
        await put(make_adapter, vector, action)
    else:
        with pytest.raises(ends):
            await put(make_adapter, vector, action)


@pytest.mark.parametrize(
    ("action", "ends"), [(OTHER_RECORD, CaseFailed), (RIGHT, None)]
)
async def test_the_oracle_knows_what_a_vector_leaves_out(
    make_adapter: MakeAdapter, action: Any, ends: type[Exception] | None
) -> None:
    vector = {
        "suite": "decode.ScheduleMessage",
        "hex": OCTETS.hex(),
        "expect": "accept",
    }
    if ends is None:
        await put(make_adapter, vector, action)
    else:
        with pytest.raises(ends, match="decoded as"):
            await put(make_adapter, vector, action)


async def test_message_says_all(make_adapter: MakeAdapter) -> None:
    vector = {
        "suite": "decode.ScheduleMessage",
        "hex": OCTETS.hex(),
        "expect": "accept",
        "note": "it is canonical",
    }
    with pytest.raises(CaseFailed) as raised:
        await put(make_adapter, vector, REFUSES)
    assert str(raised.value).splitlines() == [
        "rejected at offset 3: because",
        "  decode.ScheduleMessage: li2e1:r1:he",
        "  expected: accept",
        "  because: it is canonical",
    ]


@pytest.mark.parametrize(
    ("claimed", "ends"), [(1, NotImplementedByAdapter), (2, CaseFailed)]
)
async def test_level_2_is_asked_of_those_who_claim_it(
    make_adapter: MakeAdapter, claimed: int, ends: type[Exception]
) -> None:
    vector = {
        "suite": "decode.value",
        "hex": b"d1:bi1e1:ai2ee".hex(),
        "expect": "reject",
        "level": 2,
    }
    with pytest.raises(ends):
        await put(make_adapter, vector, decoded(b"de"), claimed)
    await put(make_adapter, vector, REFUSES, claimed)


@pytest.mark.parametrize(
    ("octets", "expect", "again", "passes"),
    [
        (b"i9007199254740993e", "reject_or_exact", b"i9007199254740993e", True),
        (b"i9007199254740993e", "reject_or_exact", b"i9007199254740992e", False),
        (b"le", "accept", b"le", True),
        (b"le", "accept", b"de", False),
    ],
)
async def test_values(
    make_adapter: MakeAdapter,
    octets: bytes,
    expect: str,
    again: bytes,
    passes: bool,
) -> None:
    vector = {"suite": "decode.value", "hex": octets.hex(), "expect": expect}
    if passes:
        await put(make_adapter, vector, decoded(again))
    else:
        with pytest.raises(CaseFailed, match="encoded again"):
            await put(make_adapter, vector, decoded(again))


async def test_returns_are_a_set(make_adapter: MakeAdapter) -> None:
    first = {"root_id": "a", "call_hash": "h", "topic": "t"}
    second = {**first, "root_id": "b"}
    canonical = b"d7:returnslli1e1:a1:h1:teli1e1:b1:h1:teee"
    vector = {
        "suite": "decode.PendingReturns",
        "hex": canonical.hex(),
        "expect": "accept",
        "value": {"returns": [second, first, second]},
    }
    returns = {"returns": [first, second, first]}
    await put(make_adapter, vector, decoded(canonical, pending_returns=returns))
    with pytest.raises(CaseFailed, match="decoded as"):
        returns = {"returns": [first]}
        await put(make_adapter, vector, decoded(canonical, pending_returns=returns))


@pytest.mark.parametrize(
    ("expect", "action", "ends"),
    [
        ("accept", encoded(OCTETS), None),
        ("accept", encoded(OCTETS + b" "), CaseFailed),
        ("accept", REFUSES, CaseFailed),
        ("reject", REFUSES, None),
        ("reject", encoded(OCTETS), CaseFailed),
        ("reject", FOREIGN, CaseFailed),
        ("reject", CRASH, AdapterCrashed),
        ("either", REFUSES, None),
        ("either", encoded(OCTETS), None),
    ],
)
async def test_encode(
    make_adapter: MakeAdapter,
    expect: str,
    action: Any,
    ends: type[Exception] | None,
) -> None:
    vector = {"suite": "encode.ScheduleMessage", "value": MESSAGE, "expect": expect}
    if ends is None:
        await put(make_adapter, vector, action)
    else:
        with pytest.raises(ends):
            await put(make_adapter, vector, action)


def ill(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def test_ill_formed_text_goes_beside_the_record() -> None:
    encode = to_encode(ScheduleMessage(ill(b"a\xed\xa0\x80"), "h"))
    assert encode.schedule_message.root_id == ""
    assert encode.schedule_message.call_hash == "h"
    assert list(encode.ill_formed) == [
        pb.IllFormed(field="root_id", octets=b"a\xed\xa0\x80")
    ]


def test_ill_formed_text_of_the_first_return() -> None:
    first, second = PendingReturn("r", "h", ill(b"\xff")), PendingReturn("s", "h", "t")
    encode = to_encode(PendingReturns((first, second), 5))
    assert [each.topic for each in encode.pending_returns.returns] == ["", "t"]
    assert encode.pending_returns.scheduled_at == 5
    assert list(encode.ill_formed) == [pb.IllFormed(field="topic", octets=b"\xff")]


@pytest.mark.parametrize(
    "record",
    [
        PendingReturns((), 1 << 63),
        PendingReturns(
            (PendingReturn("r", "h", "t"), PendingReturn(ill(b"\xff"), "h", "t"))
        ),
    ],
)
def test_what_the_protocol_cannot_say(record: PendingReturns) -> None:
    with pytest.raises(NotImplementedByAdapter):
        to_encode(record)


async def test_sixteen_mebibytes(make_adapter: MakeAdapter) -> None:
    vector = {
        "suite": "decode.value",
        "gen": [[b"16777216:".hex(), 1], ["ff", 1 << 24]],
        "expect": "reject",
    }
    assert len(json.dumps(vector)) < 200
    await put(make_adapter, vector, REFUSES)
