# SPDX-License-Identifier: AGPL-3.0-only
"""A command as a step of the protocol, however an SDK does it."""

from __future__ import annotations

import pytest

from brrr_conformance.step import Step, shorten

KEY = "pending_returns/c"


def step(text: str) -> Step:
    return Step(tuple(text.encode().split()))


@pytest.mark.parametrize(
    "text",
    [
        f"SET {KEY} v NX",
        f"set {KEY} v",
        f"SET {KEY} new IFEQ old",
        f"EVAL script 1 {KEY} old new",
        f"EVAL script 2 other {KEY} old new",
        f"EVALSHA 0123 1 {KEY} old new",
        f"FCALL cas 1 {KEY} old new",
        f"DEL {KEY}",
        f"UNLINK other {KEY}",
        f"DELEX {KEY} IFEQ old",
        f"MSET a b {KEY} v",
        f"XNEW whatever {KEY} v",
    ],
)
def test_writes(text: str) -> None:
    assert step(text).writes(KEY)
    assert not step(text).reads(KEY)


@pytest.mark.parametrize(
    "text", [f"GET {KEY}", f"MGET other {KEY}", f"EXISTS {KEY}", f"WATCH {KEY}"]
)
def test_reads(text: str) -> None:
    assert step(text).reads(KEY)
    assert not step(text).writes(KEY)


@pytest.mark.parametrize(
    "text",
    [
        f"SET other {KEY}",
        f"EVAL script 1 other {KEY}",
        f"EVAL script x {KEY}",
        f"MSET {KEY}x v a {KEY}",
        "PING",
        "MULTI",
        "EXEC",
        "",
    ],
)
def test_does_not_touch(text: str) -> None:
    assert not step(text).touches(KEY)


@pytest.mark.parametrize(
    "text",
    ["BLPOP t 20", "BLPOP u t 20", "BLMPOP 20 2 u t LEFT", "BLMOVE t x LEFT RIGHT 20"],
)
def test_pops(text: str) -> None:
    assert step(text).is_pop
    assert step(text).writes("t")
    assert not step(text).touches("20")


def test_shorten() -> None:
    assert shorten(b"\x00a'") == "\\x00a'"
    assert shorten(b"x" * 100, 10) == "xxxxxxxxxx…(100)"
