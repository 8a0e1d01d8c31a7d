# SPDX-License-Identifier: AGPL-3.0-only
"""Requests to DynamoDB as steps; those that real SDKs have sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from brrr_conformance import captured, request, resp
from brrr_conformance.config import Store
from brrr_conformance.engines import of_store

if TYPE_CHECKING:
    from brrr_conformance.step import Step

KEY = {"pk": {"S": "a/b"}, "sk": {"S": "pending_returns"}}
WRITES = {"PutItem", "UpdateItem", "DeleteItem"}

# spec/dynamodb.md, its second table.
CONDITIONS = {
    ("PUTITEM", None),
    ("GETITEM", None),
    ("UPDATEITEM", "attribute_not_exists(#value)"),
    ("UPDATEITEM", "#value = :expected"),
    ("DELETEITEM", "attribute_exists(#value) AND #value = :expected"),
}


def step(operation: str, **fields: Any) -> Step:
    body = json.dumps({"TableName": "t", **fields}).encode()
    return request.step_of(f"DynamoDB_20120810.{operation}", body)


@pytest.mark.parametrize("operation", sorted(WRITES))
def test_write(operation: str) -> None:
    item = "Item" if operation == "PutItem" else "Key"
    found = step(operation, **{item: KEY})
    assert found.writes("pending_returns/a/b")
    assert not found.reads("pending_returns/a/b")
    assert found.keys == (b"pending_returns/a/b",)


def test_reads() -> None:
    assert step("GetItem", Key=KEY).reads("pending_returns/a/b")
    batch = step("BatchGetItem", RequestItems={"t": {"Keys": [KEY]}})
    assert batch.reads("pending_returns/a/b")


def test_transaction_touches_all_of_its_items() -> None:
    other = {"pk": {"S": "c"}, "sk": {"S": "value"}}
    items = [{"Update": {"Key": KEY}}, {"Put": {"Item": other}}]
    found = step("TransactWriteItems", TransactItems=items)
    assert found.writes("pending_returns/a/b")
    assert found.writes("value/c")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"Key": {"pk": "h"}}'])
def test_body_without_a_key(body: bytes) -> None:
    found = request.step_of("DynamoDB_20120810.PutItem", body)
    assert found.keys == ()
    assert not found.is_write
    assert not found.is_pop


def test_keys() -> None:
    assert request.item_key(b"call/a/b") == {"pk": {"S": "a/b"}, "sk": {"S": "call"}}
    assert request.item_key(b"value/") == {"pk": {"S": ""}, "sk": {"S": "value"}}
    for other in (b"brrr_count/r", b"topic", b"call", b"calls/h"):
        assert request.item_key(other) is None


def test_replies() -> None:
    failed = b'{"__type": "com.amazonaws.dynamodb.v20120810#%s"}'
    assert request.reply_of(200, b"{}").value == b"{}"
    mismatch = failed % b"ConditionalCheckFailedException"
    assert request.reply_of(400, mismatch).value is None
    for other in (failed % b"ValidationException", b"<html>", b""):
        assert isinstance(request.reply_of(400, other).value, resp.Error)


# ---- what was captured ------------------------------------------------------


@pytest.mark.parametrize("sdk", captured.SDKS)
def test_captured_requests_are_those_of_the_specification(sdk: str) -> None:
    exchanges = captured.requests(sdk)
    assert len(exchanges) == 15
    found = set()
    for sent, _ in exchanges:
        body = request.body_of(sent)
        found.add((sent.name, body.get("ConditionExpression")))
        if sent.name == "UPDATEITEM":
            assert body["UpdateExpression"] == "SET #value = :value"
        assert body.get("ExpressionAttributeNames", {}).items() <= {("#value", "value")}
        if sent.name == "PUTITEM":
            assert body["Item"].keys() == {"pk", "sk", "value"}
    assert found == CONDITIONS


@pytest.mark.parametrize("sdk", captured.SDKS)
def test_captured_answers(sdk: str) -> None:
    kinds = [type(reply.value) for _, reply in captured.requests(sdk)]
    assert kinds.count(type(None)) == 6
    assert kinds.count(resp.Error) == 1


def test_shape_is_all_but_table_key_and_octets() -> None:
    fields = {"Key": KEY, "ConditionExpression": "x"}
    values = {":expected": request.binary(b"1")}
    first = step("UpdateItem", ExpressionAttributeValues=values, **fields)
    key = {"pk": {"S": "z"}, "sk": {"S": "call"}}
    octets = {":expected": request.binary(b"2")}
    other = request.with_body(
        first, TableName="u", Key=key, ExpressionAttributeValues=octets
    )
    assert request.shape_of(first) == request.shape_of(other)
    for changed in (
        {"ConditionExpression": "y"},
        {"ConsistentRead": True},
        {"ExpressionAttributeValues": {":other": request.binary(b"1")}},
        {"Key": {**KEY, "ttl": {"N": "1"}}},
    ):
        different = request.with_body(first, **changed)
        assert request.shape_of(first) != request.shape_of(different)
    assert request.shape_of(first) != request.shape_of(step("DeleteItem", Key=KEY))


def test_requirements_of_other_stores_are_left_out() -> None:
    names = ("SCHED-1", "DYN-2", "REDIS-1", "REDIS-4", "REDIS-22")
    assert of_store(names, Store.REDIS) == ("SCHED-1", "REDIS-1", "REDIS-4", "REDIS-22")
    assert of_store(names, Store.DYNAMODB) == ("SCHED-1", "DYN-2", "REDIS-1")
