# SPDX-License-Identifier: AGPL-3.0-only
r"""Octets as the specification writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brrr_conformance.notation import (
    NOW,
    ROOT,
    Hole,
    NotationError,
    Octets,
    parse,
    parse_plain,
    show,
)


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("(empty)", b""),
        ("abc", b"abc"),
        (r"\x00\xff\\", b"\x00\xff\\"),
        (r"a\x20b", b"a b"),
        ("{l*3}", b"lll"),
        ("{l*0}", b""),
        (r"x{\x7b\\*2}y", b"x{\\{\\y"),
        ("{d0:*2}de{e*2}", b"d0:d0:deee"),
        ("ü", "ü".encode()),
        ('[1,"x"]', b'[1,"x"]'),
    ],
)
def test_parse(text: str, octets: bytes) -> None:
    assert parse_plain(text) == octets


@pytest.mark.parametrize("text", ["a b", "{a}", "{a*}", r"\x0", r"\y", "}", "{root"])
def test_not_octets(text: str) -> None:
    with pytest.raises(NotationError):
        parse(text)


def test_holes() -> None:
    octets = parse("li2e{#root}:{root}1:ae{now}")
    assert octets.fill(b"abc", 17) == b"li2e3:abc1:ae17"
    assert show(octets) == "li2e{#root}:{root}1:ae{now}"
    with pytest.raises(NotationError):
        parse_plain("{root}")


def test_pattern_finds_what_is_in_a_hole() -> None:
    octets = Octets.of(b"x", ROOT, b":", ROOT, b":", NOW)
    match = octets.pattern().fullmatch(b"xab\n:ab\n:123")
    assert match is not None
    assert (match["root"], match["now"]) == (b"ab\n", b"123")
    assert octets.pattern().fullmatch(b"xab:ac:123") is None


@given(st.binary())
def test_shown_octets_are_read_back(octets: bytes) -> None:
    assert parse_plain(show(octets)) == octets


def test_show_shortens() -> None:
    assert show(b"x" * 100, 3) == "xxx…(100 octets)"
    assert show(b"", 3) == "(empty)"
    assert Hole("root") is ROOT
