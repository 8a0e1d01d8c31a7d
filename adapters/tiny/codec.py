# SPDX-License-Identifier: AGPL-3.0-only
"""The JSON codec, in the order of spec/codec-json.md.

Python's reader takes more than JSON: what it lets pass is refused here.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Any

from tiny import refuse

MAX_DEPTH = 64


def encode_call(task_name: str, args: Any) -> tuple[bytes, str]:
    if not isinstance(args, list):
        refuse("CODEC-22", "the arguments are no array")
    payload = write(args)
    hashed = write(task_name).join(("[", ",")) + payload + "]"
    return payload.encode(), hashlib.sha256(hashed.encode()).hexdigest()


def write(value: Any, depth: int = 0) -> str:
    if depth > MAX_DEPTH or (depth == MAX_DEPTH and isinstance(value, list | dict)):
        refuse("CODEC-18", "nested too deep")
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        return write_number(value)
    if isinstance(value, str):
        if re.search("[\ud800-\udfff]", value):
            refuse("CODEC-14", "a lone surrogate")
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(write(item, depth + 1) for item in value) + "]"
    if not all(isinstance(name, str) and "\0" not in name for name in value):
        refuse("CODEC-17", "a name that is no text, or has U+0000 in it")
    names = sorted(value, key=lambda it: it.encode("utf-16-be", "surrogatepass"))
    members = (f"{write(name)}:{write(value[name], depth + 1)}" for name in names)
    return "{" + ",".join(members) + "}"


def write_number(value: float) -> str:
    if isinstance(value, int) and (abs(value) > 1 << 1023 or float(value) != value):
        refuse("CODEC-12", "an integer that no double holds")
    if not math.isfinite(number := float(value)):
        refuse("CODEC-11", "not finite")
    if abs(number) < 1e21 and number.is_integer() and abs(number) < 1 << 53:
        return str(int(number))  # -0 as well
    # The shortest digits, as in 1.5e-07 or 123.4, and where their point stands.
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    point = len(whole) + int(exponent or 0)
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    if not -6 < point <= 21:
        text = f"{digits[0]}.{digits[1:]}".rstrip(".") + f"e{point - 1:+d}"
    elif point <= 0:
        text = "0." + "0" * -point + digits
    else:
        text = f"{digits[:point]:0<{point}}.{digits[point:]}".rstrip(".")
    return "-" + text if number < 0 else text


def read(octets: bytes) -> Any:
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        refuse("CODEC-23", str(error), offset=error.start)
    check_depth(text)
    try:
        value = json.loads(
            text,
            parse_int=read_number,
            parse_float=read_number,
            parse_constant=lambda name: refuse("CODEC-21", name),
            object_pairs_hook=read_members,
        )
    except ValueError as error:
        refuse("CODEC-21", str(error))
    write(value)  # finds lone surrogates [CODEC-23]
    return value


def check_depth(text: str) -> None:
    depth = 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"?|[][{}]', text, re.DOTALL):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if depth > MAX_DEPTH:
            refuse("CODEC-26", "nested too deep", offset=token.start())


def read_number(digits: str) -> float:
    if math.isinf(number := float(digits)):
        refuse("CODEC-25", "too large for a double")
    return number


def read_members(members: list[tuple[str, Any]]) -> dict[str, Any]:
    read_in = dict(members)
    if len(read_in) < len(members) or any("\0" in name for name in read_in):
        refuse("CODEC-24", "a name occurs twice, or has U+0000 in it")
    return read_in
