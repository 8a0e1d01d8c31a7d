# SPDX-License-Identifier: AGPL-3.0-only
"""RESP in any packets: every frame is read whole, and passed on as it was."""

from __future__ import annotations

import asyncio

import pytest

from brrr_conformance import resp

REPLIES: dict[bytes, resp.Value] = {
    b"+OK\r\n": b"OK",
    b"-ERR no\r\n": resp.Error(b"ERR no"),
    b":-12\r\n": -12,
    b"$-1\r\n": None,
    b"$0\r\n\r\n": b"",
    b"$4\r\na\r\nb\r\n": b"a\r\nb",
    b"*-1\r\n": None,
    b"*0\r\n": [],
    b"*2\r\n$1\r\nt\r\n$2\r\nab\r\n": [b"t", b"ab"],
    b"*2\r\n*1\r\n:1\r\n*0\r\n": [[1], []],
    b"_\r\n": None,
    b"#t\r\n": 1,
    b"#f\r\n": 0,
    b",1.5\r\n": b"1.5",
    b"(123\r\n": b"123",
    b"!5\r\nERR x\r\n": resp.Error(b"ERR x"),
    b"=6\r\ntxt:ab\r\n": b"txt:ab",
    b"%1\r\n+k\r\n%1\r\n+a\r\n:1\r\n": [b"k", [b"a", 1]],
    b"~2\r\n:1\r\n:2\r\n": [1, 2],
}


def stream(octets: bytes, packet: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    for at in range(0, len(octets), packet):
        asyncio.get_running_loop().call_soon(reader.feed_data, octets[at : at + packet])
    asyncio.get_running_loop().call_soon(reader.feed_eof)
    return reader


@pytest.mark.parametrize("packet", [1, 3, 1 << 20])
async def test_replies(packet: int) -> None:
    """All of them, one after the other, cut into packets of each size."""
    reader = stream(b"".join(REPLIES), packet)
    for octets, value in REPLIES.items():
        reply = await resp.read_reply(reader)
        assert reply is not None
        assert (reply.value, b"".join(reply.raw)) == (value, octets)
    assert await resp.read_reply(reader) is None


async def test_push_is_no_reply() -> None:
    reader = stream(b">2\r\n+invalidate\r\n*0\r\n+OK\r\n", 4)
    first, second = await resp.read_reply(reader), await resp.read_reply(reader)
    assert first is not None
    assert second is not None
    assert (first.push, second.push) == (True, False)


@pytest.mark.parametrize("packet", [1, 5, 1 << 20])
async def test_commands(packet: int) -> None:
    octets = [
        b"*2\r\n$3\r\nGET\r\n$4\r\n\r\n\x00\xff\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"PING\r\n",
        b"*1\r\n$0\r\n\r\n",
    ]
    reader = stream(b"".join(octets), packet)
    got = [await resp.read_command(reader) for _ in range(5)]
    assert got[4] is None
    words = [each[0] for each in got if each]
    assert words == [(b"GET", b"\r\n\x00\xff"), (b"PING",), (b"PING",), (b"",)]
    assert [b"".join(each[1]) for each in got if each] == octets


@pytest.mark.parametrize("octets", [b"?\r\n", b"*x\r\n", b"|1\r\n+a\r\n+b\r\n+OK\r\n"])
async def test_not_a_reply(octets: bytes) -> None:
    with pytest.raises(resp.RespError):
        await resp.read_reply(stream(octets, 1))


@pytest.mark.parametrize("octets", [b"*1\r\n:1\r\n", b"*1\r\n$x\r\n", b"*1\r\n"])
async def test_not_a_command(octets: bytes) -> None:
    with pytest.raises(resp.RespError):
        await resp.read_command(stream(octets, 1))
