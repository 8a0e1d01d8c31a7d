# SPDX-License-Identifier: AGPL-3.0-only
"""Both framings, octet by octet."""

from __future__ import annotations

import asyncio
import json

import pytest

from brrr_conformance.config import Framing
from brrr_conformance.framing import pack, read_reply
from brrr_conformance.outcome import AdapterBroken
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.pb import records_pb2 as records_pb

ANSWER = pb.Answer(invocation=7, response=pb.Response(value=b"\x00\xff"))


def stream(octets: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=1 << 20)
    reader.feed_data(octets)
    reader.feed_eof()
    return reader


def frame(reply: pb.Reply) -> bytes:
    body = reply.SerializeToString()
    return len(body).to_bytes(4, "big") + body


def test_protobuf_command() -> None:
    octets = pack(Framing.PROTOBUF, pb.Command(id=1, answer=ANSWER))
    assert octets[:4] == (len(octets) - 4).to_bytes(4, "big")
    assert pb.Command.FromString(octets[4:]).answer == ANSWER


def test_json_command_leaves_no_field_out() -> None:
    ask = pb.Ask(call_hash="h", payload=b"\xff")
    line = pack(Framing.JSON, pb.Command(id=1, schedule=pb.Schedule(ask=ask)))
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert json.loads(line) == {
        "id": 1,
        "schedule": {
            "ask": {"call_hash": "h", "task_name": "", "payload": "/w==", "topic": ""}
        },
    }


def test_ill_formed_text_stands_in_the_record() -> None:
    """A lone surrogate is an escape; octets that are none become several."""
    texts = [
        pb.IllFormed(field="root_id", octets=b"a\xed\xa0\x80"),
        pb.IllFormed(field="topic", octets=b"\xff"),
    ]
    returns = records_pb.PendingReturns(returns=[records_pb.PendingReturn()])
    encode = pb.Encode(pending_returns=returns, ill_formed=texts)
    line = pack(Framing.JSON, pb.Command(id=1, encode=encode), surrogates=True)
    given = json.loads(line)["encode"]
    assert given.keys() == {"pending_returns"}
    [first] = given["pending_returns"]["returns"]
    assert first == {"root_id": "a\ud800", "call_hash": "", "topic": "\udcff"}


async def test_replies_in_one_go() -> None:
    replies = [pb.Reply(id=1, done=pb.Done()), pb.Reply(id=2, found=pb.Found())]
    reader = stream(b"".join(map(frame, replies)))
    assert [await read_reply(Framing.PROTOBUF, reader) for _ in range(3)] == [
        *replies,
        None,
    ]


@pytest.mark.parametrize("cut", range(1, 8))
async def test_protobuf_cut_short(cut: int) -> None:
    whole = frame(pb.Reply(id=1, done=pb.Done()))
    assert len(whole) == 8
    with pytest.raises(EOFError):
        await read_reply(Framing.PROTOBUF, stream(whole[:cut]))


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"hello, world", "is that a length"),
        (b"\x00\x00\x00\x02\xff\xff", "not a Reply"),
    ],
)
async def test_not_protobuf(octets: bytes, words: str) -> None:
    with pytest.raises(AdapterBroken, match=words):
        await read_reply(Framing.PROTOBUF, stream(octets))


async def test_json_of_any_kind() -> None:
    """ProtoJSON allows both names of a field, and a number in a string."""
    line = b' { "failure": {"code": 2, "reason": "r", "offset": "5"}, "id": 3 } \n'
    reply = await read_reply(Framing.JSON, stream(line))
    assert reply is not None
    assert (reply.id, reply.failure.code, reply.failure.offset) == (3, pb.REFUSED, 5)


async def test_json_cut_short() -> None:
    with pytest.raises(EOFError):
        await read_reply(Framing.JSON, stream(b'{"id":1,"done":{}}'))


@pytest.mark.parametrize("size", [99, 100, 101, 2**32 - 1])
async def test_greatest_frame(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """One at the limit is read; of a greater one, not even the body is."""
    monkeypatch.setattr("brrr_conformance.framing.MAX_FRAME", 100)
    header = size.to_bytes(4, "big")
    if size > 100:
        with pytest.raises(AdapterBroken, match=f"a frame of {size} octets"):
            await read_reply(Framing.PROTOBUF, stream(header))
        return
    value = bytes(size - len(pb.Reply(found=pb.Found(value=b"")).SerializeToString()))
    body = pb.Reply(found=pb.Found(value=value)).SerializeToString()
    assert len(body) == size
    reply = await read_reply(Framing.PROTOBUF, stream(header + body))
    assert reply is not None
    assert reply.found.value == value
