# SPDX-License-Identifier: AGPL-3.0-only
"""Values in the forms that others write: which was meant, the vector's octets tell."""

from __future__ import annotations

from typing import Any

import pytest

from brrr_conformance.records import Call, PendingReturns
from brrr_conformance.vector import parse_vector

LEAF = b"d7:payload4:abcd9:task_name4:leafe".hex()
OTHER = b"d7:payload3:i\xb7\x1d9:task_name4:leafe".hex()
BINARY = b"d7:payload2:\xab\xcd9:task_name4:leafe".hex()


@pytest.mark.parametrize(
    ("octets", "value", "payload"),
    [
        (LEAF, {"payload": "abcd"}, b"abcd"),
        (BINARY, {"payload": "abcd"}, b"\xab\xcd"),
        (OTHER, {"payload": "abcd"}, b"i\xb7\x1d"),
        (BINARY, {"payload": {"hex": "abcd"}}, b"\xab\xcd"),
        (BINARY, {"payload_hex": "abcd"}, b"\xab\xcd"),
        (OTHER, {"payload_base64": "abcd"}, b"i\xb7\x1d"),
        (LEAF, {"payload": "wrong"}, b"wrong"),
        ("6c", {"payload": "abcd"}, b"abcd"),
    ],
)
@pytest.mark.parametrize("suite", ["decode.Call", "encode.Call"])
def test_payload(
    suite: str, octets: str, value: dict[str, Any], payload: bytes
) -> None:
    told = "hex" if suite == "decode.Call" else "canonical"
    table = {
        "id": "a",
        "suite": suite,
        "expect": "accept",
        told: octets,
        "value": {**value, "task_name": "leaf"},
    }
    assert parse_vector(table, "").value == Call(payload=payload, task_name="leaf")


def test_null_is_unset() -> None:
    table = {
        "id": "a",
        "suite": "encode.PendingReturns",
        "expect": "accept",
        "canonical": b"d7:returnslee".hex(),
        "value": {"returns": [], "scheduled_at": None},
    }
    assert parse_vector(table, "").value == PendingReturns(returns=())


@pytest.mark.parametrize("payload", [7, {"hex": "0"}, {"oct": "07"}, ["a"]])
def test_no_form_of_octets(payload: Any) -> None:
    table = {
        "id": "a",
        "suite": "encode.Call",
        "expect": "accept",
        "value": {"payload": payload, "task_name": "leaf"},
    }
    with pytest.raises((TypeError, ValueError)):
        parse_vector(table, "")
