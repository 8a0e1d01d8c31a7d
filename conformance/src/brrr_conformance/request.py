# SPDX-License-Identifier: AGPL-3.0-only
"""A DynamoDB request as a Step: its operation, the keys that it touches, its body.

    UpdateItem pending_returns/c {"TableName": …}

So a case that asks what is read or written need not know where the records are.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

from brrr_conformance import resp
from brrr_conformance.step import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

API = "DynamoDB_20120810."
MISMATCH = "ConditionalCheckFailedException"
TYPES = ("call", "value", "pending_returns")

Json: TypeAlias = dict[str, Any]


def step_of(target: str, body: bytes) -> Step:
    """Read a request, as its header X-Amz-Target and its body tell it."""
    operation = target.removeprefix(API).encode()
    return Step((operation, *_keys(_parse(body)), body))


def body_of(step: Step) -> Json:
    """Give the body of a request; empty for what is no request."""
    return _parse(step.args[-1])


def reply_of(status: int, body: bytes) -> resp.Reply:
    """Read an answer: what Redis would say. A mismatch is nil, as of SET … NX."""
    if status == 200:
        return resp.Reply(body, [body])
    kind = str(_parse(body).get("__type", status)).rpartition("#")[2]
    error = None if kind == MISMATCH else resp.Error(f"{kind} {body!r}".encode())
    return resp.Reply(error, [body])


def shape_of(step: Step) -> Json:
    """Give what a request asks for: all but table, key and octets."""
    fields = body_of(step) | {"TableName": "", "operation": step.name}
    return {name: _without_octets(field) for name, field in fields.items()}


def with_body(step: Step, **fields: object) -> Step:
    """Make the same request with other fields."""
    body = json.dumps(body_of(step) | fields).encode()
    return step_of(step.args[0].decode(), body)


def is_request(step: Step) -> bool:
    return step.name.endswith(("ITEM", "ITEMS"))


def octets_in(step: Step) -> tuple[bytes | None, bytes | None, bool]:
    """Give the octets that a write stores and expects, and whether it has a condition.

    Those of an expression are told by the names that it uses.
    """
    body = body_of(step)
    condition = str(body.get("ConditionExpression", ""))
    values = body.get("ExpressionAttributeValues") or {}
    new = body.get("Item", {}).get("value")
    for name in _names(str(body.get("UpdateExpression", ""))):
        new = new or values.get(name)
    expected = next((values.get(name) for name in _names(condition)), None)
    return _binary(new), _binary(expected), bool(condition)


def asks_whether(step: Step) -> bool:
    """Tell a GetItem that only asks whether there is a record: not for its octets."""
    body = body_of(step)
    projection = body.get("ProjectionExpression")
    if step.name != "GETITEM" or not isinstance(projection, str):
        return False
    names = body.get("ExpressionAttributeNames") or {}
    asked = [each.strip() for each in projection.split(",")]
    return "value" not in [names.get(each, each) for each in asked]


def is_found(body: bytes) -> bool:
    """Tell whether the answer to a GetItem has an item."""
    return bool(_parse(body).get("Item"))


def octets_found(body: bytes) -> dict[str, bytes]:
    """Give the records in the answer to a read, by their keys."""
    return {record_key(item).decode(): octets_of(item) for item in _items(_parse(body))}


# ---- items ------------------------------------------------------------------


def item_key(key: bytes) -> Json | None:
    """Give the item key of a record; None for what is no record [DYN-1]."""
    kind, slash, call_hash = key.decode(errors="replace").partition("/")
    if not slash or kind not in TYPES:
        return None
    return {"pk": {"S": call_hash}, "sk": {"S": kind}}


def record_key(item: Json) -> bytes:
    """Give the key of the record that an item, or its key, is of."""
    return f"{item['sk']['S']}/{item['pk']['S']}".encode()


def octets_of(item: Json) -> bytes:
    """Give the octets of a record; of anything else, what stands there [DYN-1]."""
    if item.keys() == {"pk", "sk", "value"} and item["value"].keys() == {"B"}:
        return base64.b64decode(item["value"]["B"])
    return b"(no record: %s)" % json.dumps(item, sort_keys=True).encode()


def binary(octets: bytes) -> Json:
    return {"B": base64.b64encode(octets).decode()}


# ---- inside -----------------------------------------------------------------


def _parse(body: bytes) -> Json:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _without_octets(field: object) -> object:
    match field:
        case {"B": str()}:
            return {"B": ""}
        case {"pk": {"S": str()}, "sk": {"S": str()}, **others}:
            blank: Json = {"pk": {"S": ""}, "sk": {"S": ""}}
            return blank | {
                name: _without_octets(each) for name, each in others.items()
            }
        case dict():
            return {name: _without_octets(it) for name, it in field.items()}
        case _:
            return field


def _names(expression: str) -> list[str]:
    return re.findall(r":\w+", expression)


def _binary(field: object) -> bytes | None:
    match field:
        case {"B": str(octets)}:
            return base64.b64decode(octets)
        case _:
            return None


def _items(body: object) -> Iterator[Json]:
    """Find every item, wherever in the body it stands."""
    match body:
        case {"pk": {"S": str()}, "sk": {"S": str()}}:
            if isinstance(body, dict) and len(body) > 2:
                yield body
        case dict():
            for each in body.values():
                yield from _items(each)
        case list():
            for each in body:
                yield from _items(each)


def _keys(body: object) -> Iterator[bytes]:
    """Find every item and item key, wherever in the body it stands."""
    match body:
        case {"pk": {"S": str(call_hash)}, "sk": {"S": str(kind)}}:
            yield f"{kind}/{call_hash}".encode()
        case dict():
            for each in body.values():
                yield from _keys(each)
        case list():
            for each in body:
                yield from _keys(each)
