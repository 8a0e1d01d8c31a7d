# SPDX-License-Identifier: AGPL-3.0-only
"""The oracle of the JSON codec: canonical JSON, written from spec/codec-json.md."""

from __future__ import annotations

import hashlib
import json
import math
from decimal import Decimal
from typing import Any

MAX_DEPTH = 64


class Refused(Exception):
    """Not JSON as the codec takes it; the argument is the requirement."""


def decode(octets: bytes) -> Any:
    """Read a payload or value; numbers are floats."""
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("CODEC-23") from error
    if text.startswith("\ufeff"):
        raise Refused("CODEC-23")
    _check_depth(text)
    try:
        value = json.loads(
            text,
            parse_int=_number,
            parse_float=_number,
            parse_constant=_constant,
            object_pairs_hook=_members,
        )
    except ValueError as error:
        raise Refused("CODEC-21") from error
    try:
        encode(value)
    except Refused as error:  # a lone surrogate in an escape
        raise Refused("CODEC-23") from error
    return value


def _check_depth(text: str) -> None:
    depth, quoted, escaped = 0, False, False
    for char in text:
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = char == "\\", char != '"'
        elif char in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Refused("CODEC-26")
        else:
            quoted = char == '"'
            depth -= char in "]}"


def _number(digits: str) -> float:
    if math.isinf(number := float(digits)):
        raise Refused("CODEC-25")
    return number


def _constant(name: str) -> Any:
    raise Refused("CODEC-21", name)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names) or any("\0" in name for name in names):
        raise Refused("CODEC-24")
    return dict(pairs)


def encode(value: Any) -> str:
    """Write a value of floats, texts, booleans, None, lists and dicts."""
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case float() | int():
            return encode_number(value)
        case str():
            return _string(value)
        case list():
            return "[" + ",".join(map(encode, value)) + "]"
        case _:
            names = sorted(
                value, key=lambda name: name.encode("utf-16-be", "surrogatepass")
            )
            members = (f"{_string(name)}:{encode(value[name])}" for name in names)
            return "{" + ",".join(members) + "}"


def _string(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Refused("CODEC-14") from error
    return json.dumps(text, ensure_ascii=False)


def encode_number(number: float) -> str:
    """Write a number as ECMA-262, Number::toString, does."""
    if math.isinf(number) or math.isnan(number):
        raise Refused("CODEC-11")
    if isinstance(number, int) and float(number) != number:
        raise Refused("CODEC-12")
    if number == 0:
        return "0"
    # repr is the shortest that reads back, and the closest of those.
    shortest = Decimal(repr(float(number))).normalize()
    sign, digits, exponent = shortest.as_tuple()
    s, k, n = "".join(map(str, digits)), len(digits), len(digits) + int(exponent)
    if k <= n <= 21:
        text = s + "0" * (n - k)
    elif 0 < n <= 21:
        text = f"{s[:n]}.{s[n:]}"
    elif -6 < n <= 0:
        text = "0." + "0" * -n + s
    else:
        point = "." if k > 1 else ""
        text = f"{s[0]}{point}{s[1:]}e{n - 1:+}"
    return "-" * sign + text


def call_hash(task_name: str, args: Any) -> str:
    """Hash a call."""
    return hashlib.sha256(encode([task_name, args]).encode()).hexdigest()
