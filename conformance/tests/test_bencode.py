# SPDX-License-Identifier: AGPL-3.0-only
"""The oracle's bencode, against a second and naive reading of the grammar."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from brrr_conformance import bencode
from brrr_conformance.bencode import DecodeError, EncodeError, Value

MAX = bencode.MAX_INT

integers = st.integers(-MAX, MAX)
values = st.recursive(
    integers | st.binary(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.binary(max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


def naive_encode(value: Value) -> bytes:
    if isinstance(value, int):
        return f"i{value}e".encode()
    if isinstance(value, bytes):
        return str(len(value)).encode() + b":" + value
    if isinstance(value, list):
        return b"l" + b"".join(map(naive_encode, value)) + b"e"
    pairs = sorted(value.items())
    inner = b"".join(naive_encode(key) + naive_encode(each) for key, each in pairs)
    return b"d" + inner + b"e"


def naive_decode(octets: bytes) -> Value | None:
    """Read as tolerantly as can be; what does not come back the same is wrong.

    For each value there is one encoding: so a level 2 decoder accepts just what an
    encoder writes.
    """
    try:
        value, rest = _read(octets, 0)
        return value if rest == b"" and naive_encode(value) == octets else None
    except (ValueError, IndexError, TypeError):
        return None


def _read(octets: bytes, depth: int) -> tuple[Value, bytes]:
    first = octets[:1]
    if first == b"i":
        digits, octets = octets[1:].split(b"e", 1)
        number = int(digits)
        if abs(number) > MAX:
            raise ValueError
        return number, octets
    if first in (b"l", b"d"):
        if depth == 32:
            raise ValueError
        octets = octets[1:]
        items: list[Value] = []
        while octets[0] != ord("e"):
            item, octets = _read(octets, depth + 1)
            items.append(item)
        if first == b"l":
            return items, octets[1:]
        return dict(_pairs(items)), octets[1:]
    length, octets = octets.split(b":", 1)
    size = int(length)
    if not 0 <= size <= len(octets):
        raise ValueError
    return octets[:size], octets[size:]


def _pairs(items: list[Value]) -> list[tuple[bytes, Value]]:
    pairs = []
    for key, item in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, bytes):
            raise TypeError
        pairs.append((key, item))
    return pairs


@given(values)
def test_decode_gives_back_what_encode_wrote(value: Value) -> None:
    octets = bencode.encode(value)
    assert octets == naive_encode(value)
    assert bencode.decode(octets) == value


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    octets = bytearray(bencode.encode(draw(values)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(octets)))
        piece = draw(st.sampled_from([*map(bytes, _PIECES)]) | st.binary(max_size=2))
        octets[at : at + draw(st.integers(0, 2))] = piece
    return bytes(octets)


_PIECES = [b"", b"e", b"i", b"l", b"d", b":", b"-", b"0", b"1", b"9", b"1:a", b"i0e"]


@given(damaged() | st.binary(max_size=20) | st.text("ilde0123456789:-").map(str.encode))
@example(b"i-0e")
@example(b"d0:0:0:0:e")
def test_accepts_what_the_naive_reading_accepts(octets: bytes) -> None:
    expected = naive_decode(octets)
    if expected is not None:
        assert bencode.decode(octets) == expected
        return
    with pytest.raises(DecodeError) as caught:
        bencode.decode(octets)
    assert 0 <= caught.value.offset <= len(octets)
    assert re.fullmatch(r"WIRE-[0-9]+", caught.value.requirement)
    assert caught.value.reason in str(caught.value)


@given(damaged())
def test_level_1_accepts_more_and_ends_too(octets: bytes) -> None:
    lenient, strict = (error_of(octets, level) for level in (1, 2))
    if lenient is not None:
        assert lenient.level == 1
        assert strict is not None
    elif strict is not None:
        assert strict.level == 2


def error_of(octets: bytes, level: int) -> DecodeError | None:
    try:
        bencode.parse(octets, level)
    except DecodeError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("octets", "offset", "requirement"),
    [
        (b"", 0, "WIRE-12"),
        (b"li1e", 4, "WIRE-13"),
        (b"i1", 2, "WIRE-13"),
        (b"12", 2, "WIRE-13"),
        (b"i0ei1e", 3, "WIRE-14"),
        (b"x", 0, "WIRE-15"),
        (b"e", 0, "WIRE-15"),
        (b"ie", 1, "WIRE-16"),
        (b"i-e", 2, "WIRE-16"),
        (b"i01e", 0, "WIRE-17"),
        (b"i-0e", 0, "WIRE-17"),
        (b"01:a", 0, "WIRE-17"),
        (b"i1x", 2, "WIRE-18"),
        (b"i+1e", 1, "WIRE-18"),
        (b"l1x:ae", 2, "WIRE-19"),
        (b"l9:ae", 1, "WIRE-21"),
        (b"18446744073709551617:a", 0, "WIRE-21"),
        (b"di1ei2ee", 1, "WIRE-22"),
        (b"d1:ae", 4, "WIRE-23"),
        (b"d1:bi1e1:ai1ee", 7, "WIRE-30"),
        (b"d1:ai1e1:ai1ee", 7, "WIRE-30"),
        (b"li9007199254740992ee", 1, "WIRE-31"),
        (b"l" * 33 + b"e" * 33, 32, "WIRE-32"),
    ],
)
def test_error_names_place_and_requirement(
    octets: bytes, offset: int, requirement: str
) -> None:
    with pytest.raises(DecodeError) as caught:
        bencode.decode(octets)
    assert (caught.value.offset, caught.value.requirement) == (offset, requirement)


@pytest.mark.parametrize(
    "octets",
    [
        b"d1:bi1e1:ai2ee",
        b"d1:ai1e1:ai2ee",
        b"i9007199254740992e",
        b"i-" + b"9" * 5000 + b"e",
        b"l" * 33 + b"e" * 33,
    ],
)
def test_level_1_lets_level_2_pass(octets: bytes) -> None:
    bencode.parse(octets, level=1)
    with pytest.raises(DecodeError) as caught:
        bencode.parse(octets)
    assert caught.value.level == 2


def test_no_recursion_and_no_square() -> None:
    """A quadratic or recursive reader would not come to the end of this."""
    many = 300_000
    for octets in (
        b"l" * many,
        b"d0:" * many,
        b"9" * many,
        b"i" + b"9" * many,
        b"i" + b"9" * many + b"x",
        b"9" * many + b":",
    ):
        for level in (1, 2):
            with pytest.raises(DecodeError):
                bencode.parse(octets, level)
    deep = bencode.parse(b"l" * many + b"e" * many, level=1)
    assert isinstance(deep, bencode.List)
    flat = bencode.decode(b"l" + b"le" * many + b"e")
    assert flat == [[]] * many


def test_depth() -> None:
    value: Value = []
    for _ in range(31):
        value = [value]
    octets = bencode.encode(value)
    assert octets == b"l" * 32 + b"e" * 32
    assert bencode.decode(octets) == value


@pytest.mark.parametrize("number", [MAX + 1, -MAX - 1, 2**63, -(2**64)])
def test_encode_refuses_integers_out_of_range(number: int) -> None:
    held: list[Value] = [number, [number], {b"a": number}]
    for value in held:
        with pytest.raises(EncodeError) as caught:
            bencode.encode(value)
        assert caught.value.requirement == "WIRE-4"


def test_encode_sorts_keys() -> None:
    octets = bencode.encode({b"b": 1, b"\xff": 2, b"": 3, b"aa": 4, b"B": 5})
    assert octets == b"d0:i3e1:Bi5e2:aai4e1:bi1e1:\xffi2ee"
