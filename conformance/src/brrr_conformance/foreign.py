# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the `value` of a vector that somebody else has written in another form.

The format leaves one doubt: octets have no form of their own in JSON. Ours are a
string, for its UTF-8 octets, or {"hex": …}. Others write a hexadecimal or a base64
string, or name the field `payload_hex`. The record that the vector itself holds
tells which of them was meant.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from brrr_conformance import records
from brrr_conformance.bencode import DecodeError
from brrr_conformance.pb import records_pb2
from brrr_conformance.records import Kind, schema

if TYPE_CHECKING:
    from collections.abc import Callable

READERS: dict[str, Callable[[str], bytes]] = {
    "hex": bytes.fromhex,
    "base64": lambda text: base64.b64decode(text, validate=True),
}


def in_our_form(kind: Kind, value: Any, evidence: Callable[[], bytes | None]) -> Any:
    """Write a value as forms.from_json takes it.

    `evidence` gives the octets that the record was decoded from or is encoded to,
    where the vector tells them.
    """
    if not isinstance(value, dict):
        return value
    names = {each.name: each for each in schema(kind).fields}
    ours: dict[str, Any] = {}
    for key, held in value.items():
        name, _, form = key.rpartition("_")
        if key not in names and name in names and form in READERS:
            ours[name] = {"hex": READERS[form](held).hex()}
        elif held is not None:  # null is unset
            ours[key] = held
    for name, field in names.items():
        if field.content == records_pb2.OCTETS and isinstance(ours.get(name), str):
            ours[name] = _octets(ours[name], _told(kind, name, evidence()))
    return ours


def _told(kind: Kind, name: str, octets: bytes | None) -> bytes | None:
    """Give what a field holds in the record that the vector gives as octets."""
    if octets is None:
        return None
    try:
        held: bytes = getattr(records.decode(kind, octets), name)
    except DecodeError:
        return None
    return held


def _octets(text: str, told: bytes | None) -> Any:
    if told is None or text.encode("utf-8", "surrogatepass") == told:
        return text
    for read in READERS.values():
        try:
            if read(text) == told:
                return {"hex": told.hex()}
        except (ValueError, binascii.Error):
            continue
    return text
