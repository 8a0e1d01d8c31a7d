# SPDX-License-Identifier: AGPL-3.0-only
"""The tap on DynamoDB, and a state whose records are in a table.

DynamoDBLocal takes a Java and 50 MB of jars: the tests run on it where it is, and
everywhere on a miniature that does as much of DynamoDB as a record needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from brrr_conformance import request, resp
from brrr_conformance.build import count, queued, stored_call, string, value, waiting
from brrr_conformance.commands import Kind
from brrr_conformance.database import OnRedis, WithTable
from brrr_conformance.director import (
    CUT_AFTER,
    Rules,
    answer,
    change,
    compares,
    deny,
    does,
)
from brrr_conformance.dynamodb import DynamoDb, DynamoDbError, Table, private_dynamodb
from brrr_conformance.http_tap import HttpTap
from brrr_conformance.outcome import HarnessError
from brrr_conformance.server import private_server
from brrr_conformance.state import Comparison, join
from brrr_conformance.tap import Trace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from brrr_conformance.step import Step

# One server for all tests here: DynamoDBLocal takes its time to start.
pytestmark = pytest.mark.asyncio(loop_scope="module")

JARS = Path(__file__).resolve().parents[2] / "build" / "dynamodb"
INSTALLED = shutil.which("java") is not None and JARS.is_dir()

Json = dict[str, Any]
# Named here, for no answer may depend on what the code under test calls it.
MISMATCH = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"


@dataclass(slots=True)
class Miniature:
    tables: dict[str, dict[tuple[str, str], Json]] = field(default_factory=dict)
    # Headers of each request, for a test to look at.
    headers: list[dict[str, str]] = field(default_factory=list)

    async def handle(self, asked: web.BaseRequest) -> web.Response:
        self.headers.append(dict(asked.headers))
        operation = asked.headers["X-Amz-Target"].rpartition(".")[2]
        status, body = self.do(operation, json.loads(await asked.content.read()))
        return web.Response(status=status, text=json.dumps(body))

    def do(self, operation: str, body: Json) -> tuple[int, Json]:
        if operation == "ListTables":
            return 200, {"TableNames": sorted(self.tables)}
        if operation == "CreateTable":
            self.tables[body["TableName"]] = {}
            return 200, {}
        if body["TableName"] not in self.tables:
            return 400, {"__type": "x#ResourceNotFoundException", "message": "?"}
        if operation == "DeleteTable":
            del self.tables[body["TableName"]]
            return 200, {}
        items = self.tables[body["TableName"]]
        if operation == "Scan":
            return 200, scan(items, body.get("ExclusiveStartKey"))
        place = body.get("Key") or body["Item"]
        key = (place["pk"]["S"], place["sk"]["S"])
        if not holds(items.get(key), body):
            return 400, {
                "__type": MISMATCH,
                "message": "?",
            }
        match operation:
            case "PutItem":
                items[key] = body["Item"]
            case "UpdateItem":
                value = body["ExpressionAttributeValues"][":value"]
                items[key] = {**body["Key"], "value": value}
            case "DeleteItem":
                items.pop(key, None)
            case "GetItem" if key in items:
                return 200, {"Item": items[key]}
        return 200, {}


def scan(items: dict[tuple[str, str], Json], after: Json | None) -> Json:
    """Give pages of two items."""
    keys = sorted(items)
    at = keys.index((after["pk"]["S"], after["sk"]["S"])) + 1 if after else 0
    page = [items[key] for key in keys[at : at + 2]]
    last = {name: page[-1][name] for name in ("pk", "sk")} if keys[at + 2 :] else None
    return {"Items": page} | ({"LastEvaluatedKey": last} if last else {})


def holds(item: Json | None, body: Json) -> bool:
    match body.get("ConditionExpression"):
        case None:
            return True
        case "attribute_not_exists(#value)":
            return item is None
        case _:
            expected = body["ExpressionAttributeValues"][":expected"]
            return item is not None and item["value"] == expected


# ---- where the tests run ----------------------------------------------------


@contextlib.asynccontextmanager
async def miniature_server() -> AsyncIterator[DynamoDb]:
    miniature = web.Server(Miniature().handle)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(miniature, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        yield DynamoDb(f"http://127.0.0.1:{port}/", "KEY", session)
    server.close()


SERVERS = {"miniature": miniature_server}
if INSTALLED:
    SERVERS["DynamoDBLocal"] = private_dynamodb


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=SERVERS)
async def dynamodb(request: pytest.FixtureRequest) -> AsyncIterator[DynamoDb]:
    async with SERVERS[request.param]() as dynamodb:
        yield dynamodb


@pytest_asyncio.fixture(loop_scope="module")
async def table(dynamodb: DynamoDb) -> AsyncIterator[Table]:
    table = await Table.create(dynamodb)
    yield table
    await table.drop()


@pytest_asyncio.fixture(loop_scope="module")
async def tap(dynamodb: DynamoDb) -> AsyncIterator[HttpTap]:
    tap = HttpTap(dynamodb.url, dynamodb.session)
    tap.attach("w", Trace(), Rules())
    yield tap
    await tap.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def tapped(tap: HttpTap, table: Table) -> Table:
    """Give the table as an SDK sees it: behind the tap."""
    place = table.place(await tap.start())
    behind = DynamoDb(place.endpoint, place.access_key_id, table.dynamodb.session)
    return Table(behind, place.table)


@pytest_asyncio.fixture(loop_scope="module")
async def redis() -> AsyncIterator[OnRedis]:
    async with private_server() as server:
        yield OnRedis(server.redis)


def rules_of(tap: HttpTap) -> Rules:
    assert isinstance(tap.director, Rules)
    return tap.director


def update(table: Table, octets: bytes, condition: str, **values: bytes) -> Any:
    """Send the UpdateItem of set_new or cas."""
    known = {f":{name}": request.binary(each) for name, each in values.items()}
    return table._do(
        "UpdateItem",
        Key=request.item_key(b"pending_returns/c"),
        UpdateExpression="SET #value = :value",
        ExpressionAttributeNames={"#value": "value"},
        ExpressionAttributeValues={":value": request.binary(octets)} | known,
        ConditionExpression=condition,
    )


NEW = "attribute_not_exists(#value)"
SAME = "#value = :expected"


# ---- the table --------------------------------------------------------------


async def test_table_gives_back_what_was_put(table: Table) -> None:
    records = {b"call/h": b"c", b"value/h": b"", b"pending_returns/h": b"\x00\xff"}
    for key, octets in records.items():
        await table.put(key, octets)
    assert await table.read() == records
    assert await table.get(b"value/h") == b""
    await table.remove(b"value/h")
    assert await table.get(b"value/h") is None


async def test_other_attributes_are_shown(table: Table) -> None:
    item = {"pk": {"S": "h"}, "sk": {"S": "value"}, "value": {"B": ""}}
    await table._do("PutItem", Item=item | {"ttl": {"N": "1"}})
    [(key, shown)] = (await table.read()).items()
    assert key == b"value/h"
    assert b'"ttl": {"N": "1"}' in shown


async def test_what_is_refused_is_raised(table: Table) -> None:
    with pytest.raises(DynamoDbError, match="ResourceNotFoundException"):
        await Table(table.dynamodb, "brrr-none").get(b"value/h")


# ---- a state in two places --------------------------------------------------

STATE = join(
    [
        stored_call("h"),
        value("h", b""),
        waiting("h", ("root1", "p", "t")),
        count("root1", 3),
        queued("t", ("root1", "h")),
        queued("call/h2", ("root1", "h")),
    ]
)


async def test_records_are_in_the_table_and_all_else_on_redis(
    redis: OnRedis, table: Table
) -> None:
    database = WithTable(redis, table)
    await database.write(STATE)
    assert set(await table.read()) == {b"call/h", b"value/h", b"pending_returns/h"}
    on_redis = {b"brrr_count/root1", b"t", b"call/h2"}
    assert set(await redis.read()) == on_redis
    assert Comparison.make(STATE, await database.read(), 0, 0).equal


async def test_get_and_remove_find_both_places(redis: OnRedis, table: Table) -> None:
    database = WithTable(redis, table)
    await database.write(STATE)
    for key in (b"call/h", b"brrr_count/root1"):
        assert await database.get(key) is not None
        await database.remove(key)
        assert await database.get(key) is None


async def test_record_that_went_to_redis_is_not_due(
    redis: OnRedis, table: Table
) -> None:
    database = WithTable(redis, table)
    await redis.write(string("value/h", b"v"))
    assert await database.read() == {b"(on Redis) value/h": b"v"}
    assert await database.get(b"value/h") is None


# ---- the tap ----------------------------------------------------------------


async def test_requests_and_answers_are_noted(tap: HttpTap, tapped: Table) -> None:
    await tapped.put(b"value/h", b"v")
    assert await tapped.get(b"value/h") == b"v"
    asked, put, *_ = frames = tap.trace.frames
    assert [frame.step.name for frame in frames] == ["PUTITEM"] * 2 + ["GETITEM"] * 2
    assert asked.step.writes("value/h")
    assert asked.reply is None
    assert put.reply is not None
    assert frames[2].step.reads("value/h")
    assert frames[0].connection == frames[3].connection


async def test_mismatch_is_no_error(tap: HttpTap, tapped: Table) -> None:
    await update(tapped, b"1", NEW)
    for condition, known in ((NEW, {}), (SAME, {"expected": b"2"})):
        with pytest.raises(DynamoDbError, match="ConditionalCheckFailed"):
            await update(tapped, b"3", condition, **known)
    await update(tapped, b"4", SAME, expected=b"1")
    with pytest.raises(DynamoDbError, match="ResourceNotFound"):
        await Table(tapped.dynamodb, "brrr-none").get(b"value/h")
    replies = [each.reply.value for each in tap.trace.frames if each.reply is not None]
    assert [type(each) for each in replies] == [
        bytes,
        type(None),
        type(None),
        bytes,
        resp.Error,
    ]
    assert tap.trace.error is None


async def test_before_a_request(tap: HttpTap, tapped: Table, table: Table) -> None:
    """Another worker is faster: the condition does not hold any more."""

    async def other() -> None:
        await table.put(b"pending_returns/c", b"theirs")

    rules_of(tap).rule(compares("pending_returns/c"), deny(other), times=1)
    with pytest.raises(DynamoDbError, match="ConditionalCheckFailed"):
        await update(tapped, b"ours", NEW)
    assert await table.get(b"pending_returns/c") == b"theirs"


async def test_another_request_goes(tap: HttpTap, tapped: Table, table: Table) -> None:
    def other(step: Step) -> Step:
        return request.with_body(step, Key=request.item_key(b"value/other"))

    await table.put(b"value/h", b"v")
    rules_of(tap).rule(does(Kind.GET, key="value/h"), change(other))
    assert await tapped.get(b"value/h") is None
    assert tap.trace.frames[0].step.reads("value/other")


async def test_answer_in_its_place(tap: HttpTap, tapped: Table, table: Table) -> None:
    """The client is refused, and the database never asked."""
    rules_of(tap).rule(compares("pending_returns/c"), answer("ThrottlingException"))
    with pytest.raises(DynamoDbError, match="ThrottlingException"):
        await update(tapped, b"ours", NEW)
    assert await table.get(b"pending_returns/c") is None


async def test_answer_is_lost(tap: HttpTap, tapped: Table, table: Table) -> None:
    """The request is carried out, and its sender never knows."""
    rules_of(tap).rule(compares("pending_returns/c"), CUT_AFTER)
    with pytest.raises(aiohttp.ClientError):
        await update(tapped, b"ours", NEW)
    assert await table.get(b"pending_returns/c") == b"ours"


async def test_case_that_ends_while_a_client_stays_connected(
    tap: HttpTap, tapped: Table
) -> None:
    await tapped.put(b"value/h", b"v")
    async with asyncio.timeout(5):
        await tap.drop()
    assert tap.under_way == 0
    async with aiohttp.ClientSession() as session:
        again = DynamoDb(tapped.dynamodb.url, tapped.dynamodb.access_key_id, session)
        assert await Table(again, tapped.name).get(b"value/h") == b"v"


async def test_great_requests_and_concurrent_ones(tap: HttpTap, tapped: Table) -> None:
    octets = bytes(range(256)) * 1200
    keys = [b"value/h%d" % number for number in range(8)]
    await asyncio.gather(*(tapped.put(key, octets) for key in keys))
    assert await tapped.read() == dict.fromkeys(keys, octets)
    assert len({frame.connection for frame in tap.trace.frames}) > 1


async def test_nobody_behind_the_tap() -> None:
    async with aiohttp.ClientSession() as session:
        tap = HttpTap("http://127.0.0.1:1/", session)
        trace = Trace()
        tap.attach("w", trace, Rules())
        url = f"http://127.0.0.1:{await tap.start()}/"
        async with session.post(url, data=b"{}") as answer:
            assert answer.status == 500
        await tap.stop()
    assert isinstance(trace.error, HarnessError)


async def test_no_jars(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BRRR_DYNAMODB", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda _: "/bin/true")
    with pytest.raises(HarnessError, match="make dynamodb"):
        async with private_dynamodb():
            pass
