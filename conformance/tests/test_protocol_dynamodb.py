# SPDX-License-Identifier: AGPL-3.0-only
"""Requests to DynamoDB as operations of the protocol."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from brrr_conformance import request
from brrr_conformance.commands import Kind, Operation
from brrr_conformance.protocol import Decoder
from brrr_conformance.resp import Reply
from test_protocol import KEY, NEW, OLD

if TYPE_CHECKING:
    from brrr_conformance.step import Step

PLACE = {"pk": {"S": "c"}, "sk": {"S": "pending_returns"}}


def binary(octets: bytes) -> dict[str, str]:
    return {"B": base64.b64encode(octets).decode()}


def asked(operation: str, **fields: object) -> Step:
    return request.step_of(request.API + operation, json.dumps(fields).encode())


UPDATE = {
    "Key": PLACE,
    "UpdateExpression": "SET #value = :new",
    "ExpressionAttributeValues": {":new": binary(NEW), ":old": binary(OLD)},
}


@pytest.mark.parametrize(
    ("step", "kind", "octets", "expected"),
    [
        (asked("GetItem", Key=PLACE), Kind.GET, None, None),
        (
            asked("PutItem", Item={**PLACE, "value": binary(NEW)}),
            Kind.SET,
            NEW,
            None,
        ),
        (
            asked(
                "UpdateItem", **UPDATE, ConditionExpression="attribute_not_exists(#v)"
            ),
            Kind.SET_NEW,
            NEW,
            None,
        ),
        (
            asked("UpdateItem", **UPDATE, ConditionExpression="#value = :old"),
            Kind.CAS,
            NEW,
            OLD,
        ),
        (
            asked(
                "DeleteItem",
                Key=PLACE,
                ConditionExpression="#value = :old",
                ExpressionAttributeValues={":old": binary(OLD)},
            ),
            Kind.CAD,
            None,
            OLD,
        ),
        (asked("DeleteItem", Key=PLACE), Kind.REMOVE, None, None),
    ],
)
def test_request(
    step: Step, kind: Kind, octets: bytes | None, expected: bytes | None
) -> None:
    decoder = Decoder()
    [operation] = decoder.sent("w", 1000, step)
    assert operation == Operation(kind, KEY.decode(), octets, expected)
    [done] = decoder.answered("w", 1000, step, Reply(None, []))
    assert done.done is (kind is Kind.SET)


def test_item_is_found() -> None:
    decoder, step = Decoder(), asked("GetItem", Key=PLACE)
    decoder.sent("w", 1000, step)
    body = json.dumps({"Item": {**PLACE, "value": binary(OLD)}}).encode()
    [found] = decoder.answered("w", 1000, step, request.reply_of(200, body))
    assert (found.done, found.octets) == (True, OLD)
    decoder.sent("w", 1000, step)
    [found] = decoder.answered("w", 1000, step, request.reply_of(200, b"{}"))
    assert (found.done, found.octets) == (False, None)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"ProjectionExpression": "pk"}, Kind.EXISTS),
        ({"ProjectionExpression": "pk, sk"}, Kind.EXISTS),
        ({"ProjectionExpression": "pk, value"}, Kind.GET),
        (
            {
                "ProjectionExpression": "#v",
                "ExpressionAttributeNames": {"#v": "value"},
            },
            Kind.GET,
        ),
    ],
)
def test_item_is_there(fields: dict[str, object], kind: Kind) -> None:
    """Who asks for the key alone asks whether there is a record."""
    decoder, step = Decoder(), asked("GetItem", Key=PLACE, **fields)
    [operation] = decoder.sent("w", 1000, step)
    assert operation.kind is kind
    item = PLACE if kind is Kind.EXISTS else {**PLACE, "value": binary(OLD)}
    found = json.dumps({"Item": item}).encode()
    for body, done in ((found, True), (b"{}", False)):
        [answer] = decoder.answered("w", 1000, step, request.reply_of(200, body))
        assert answer.done is done
        decoder.sent("w", 1000, step)
