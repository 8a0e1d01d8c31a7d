# SPDX-License-Identifier: AGPL-3.0-only
"""The JSON codec, in the order of spec/codec-json.md.

Python's reader takes more than JSON: what it lets pass is refused here. A method is
a step, as in tiny.py.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Any

from tiny import refuse


class Codec:
    max_depth = 64
    refuse = staticmethod(refuse)

    def encode_call(self, task_name: str, args: Any) -> tuple[bytes, str]:
        if not isinstance(args, list):
            self.refuse("CODEC-22", "the arguments are no array")
        payload = self.write(args)
        hashed = self.write(task_name).join(("[", ",")) + payload + "]"
        return payload.encode(), hashlib.sha256(hashed.encode()).hexdigest()

    def write(self, value: Any, depth: int = 0) -> str:
        if depth > self.max_depth or (
            depth == self.max_depth and isinstance(value, list | dict)
        ):
            self.refuse("CODEC-18", "nested too deep")
        if value is None or isinstance(value, bool):
            return json.dumps(value)
        if isinstance(value, int | float):
            return self.write_number(value)
        if isinstance(value, str):
            return self.write_string(value)
        if isinstance(value, list):
            return "[" + ",".join(self.write(item, depth + 1) for item in value) + "]"
        if not all(isinstance(name, str) and "\0" not in name for name in value):
            self.refuse("CODEC-17", "a name that is no text, or has U+0000 in it")
        names = sorted(value, key=self.place)
        members = (
            f"{self.write(it)}:{self.write(value[it], depth + 1)}" for it in names
        )
        return "{" + ",".join(members) + "}"

    def place(self, name: str) -> bytes:
        return name.encode("utf-16-be", "surrogatepass")  # [CODEC-15]

    def write_string(self, value: str) -> str:
        if re.search("[\ud800-\udfff]", value):
            self.refuse("CODEC-14", "a lone surrogate")
        return json.dumps(value, ensure_ascii=False)  # [CODEC-13]

    def write_number(self, value: float) -> str:
        if isinstance(value, int) and (abs(value) > 1 << 1023 or float(value) != value):
            self.refuse("CODEC-12", "an integer that no double holds")
        if not math.isfinite(number := float(value)):
            self.refuse("CODEC-11", "not finite")
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

    def read_args(self, payload: bytes) -> list[Any]:
        if not isinstance(args := self.read(payload), list):
            self.refuse("CODEC-22", "the arguments are no array")
        return args

    def read(self, octets: bytes) -> Any:
        try:
            text = octets.decode()
        except UnicodeDecodeError as error:
            self.refuse("CODEC-23", str(error), offset=error.start)
        self.check_depth(text)
        try:
            value = json.loads(
                text,
                parse_int=self.read_number,
                parse_float=self.read_number,
                parse_constant=lambda name: self.refuse("CODEC-21", name),
                object_pairs_hook=self.read_members,
            )
        except ValueError as error:
            self.refuse("CODEC-21", str(error))
        self.write(value)  # finds lone surrogates [CODEC-23]
        return value

    def check_depth(self, text: str) -> None:
        depth = 0
        for token in re.finditer(r'"(?:[^"\\]|\\.)*"?|[][{}]', text, re.DOTALL):
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
            if depth > self.max_depth:
                self.refuse("CODEC-26", "nested too deep", offset=token.start())

    def read_number(self, digits: str) -> float:
        if math.isinf(number := float(digits)):
            self.refuse("CODEC-25", "too large for a double")
        return number

    def read_members(self, members: list[tuple[str, Any]]) -> dict[str, Any]:
        read_in = dict(members)
        if len(read_in) < len(members) or any("\0" in name for name in read_in):
            self.refuse("CODEC-24", "a name occurs twice, or has U+0000 in it")
        return read_in
