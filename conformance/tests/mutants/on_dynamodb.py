# SPDX-License-Identifier: AGPL-3.0-only
"""tiny with its store on DynamoDB, and mutants of spec/dynamodb.md.

The store is lawful itself.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode, b64encode

from adapter import Adapter
from tiny import Brrr, BrrrError, Worker

from mutants.kit import breaks, lawful

SET = {
    "UpdateExpression": "SET #value = :value",
    "ExpressionAttributeNames": {"#value": "value"},
}
NAMES = {"ExpressionAttributeNames": {"#value": "value"}}
ABSENT = "attribute_not_exists(#value)"
SAME = "#value = :expected"


class Mismatch(Exception):
    """A condition did not hold."""


class OnDynamoDb(Brrr):
    """Keeps records in a table, and the rest on Redis."""

    place: dict[str, str]  # pb.DynamoDb, as JSON
    consistent = True  # reads
    mismatches = ("ConditionalCheckFailedException",)

    async def do(self, *command, on=None):
        name, key = command[0], command[1] if len(command) > 1 else ""
        if name == "GET":
            return await self.get(key)
        if name == "EXISTS":
            return await self.get(key) is not None
        if name == "SET":
            return await self.put(key, command[2])
        return await super().do(*command, on=on)

    async def get(self, key):
        consistent = {"ConsistentRead": True} if self.consistent else {}
        answer = await self.request("GetItem", Key=self.key(key), **consistent)
        item = answer.get("Item", {})
        return b64decode(item["value"]["B"]) if "value" in item else None

    async def put(self, key, octets):
        await self.request("PutItem", Item=self.item(key, octets))

    def item(self, key, octets):
        return {**self.key(key), "value": binary(octets)}

    async def swap(self, key, old, new):
        try:
            await self.swap_item(self.key(key), old, new)
        except Mismatch:
            return False
        return True

    async def swap_item(self, key, old, new):
        values = {} if old is None else {":expected": binary(old)}
        if new is None:
            condition = f"attribute_exists(#value) AND {SAME}"
            fields = {"ConditionExpression": condition, **NAMES}
            fields["ExpressionAttributeValues"] = values
            await self.request("DeleteItem", Key=key, **fields)
            return
        fields = {"ConditionExpression": ABSENT if old is None else SAME, **SET}
        fields["ExpressionAttributeValues"] = {":value": binary(new), **values}
        await self.request("UpdateItem", Key=key, **fields)

    def key(self, key):
        kind, _, call_hash = key.partition("/")
        return {"pk": {"S": call_hash}, "sk": {"S": kind}}

    async def request(self, operation, **fields):
        scope = f"{self.place['access_key_id']}/20200101/{self.place['region']}"
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}/dynamodb/"
            "aws4_request, SignedHeaders=host, Signature=0",  # nobody looks at it
        }
        import aiohttp  # here: each process of each mutant would wait for it

        body = json.dumps({"TableName": self.place["table"], **fields})
        place = self.place["endpoint"]
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.post(place, data=body, headers=headers) as answer,
            ):
                found = await answer.json(content_type=None)
        except aiohttp.ClientError as error:
            raise BrrrError("BACKEND", f"{operation}: {error!r}") from error
        if answer.status == 200:
            return found
        kind = found.get("__type", "").rpartition("#")[2]
        if kind in self.mismatches:
            raise Mismatch
        raise BrrrError("BACKEND", f"{operation}: {found}")


def binary(octets):
    data = octets.encode() if isinstance(octets, str) else octets
    return {"B": b64encode(data).decode()}


@lawful("client", "worker", "program", store="dynamodb")
class DynamoDbStore(Adapter):
    """The records are on DynamoDB."""

    store = OnDynamoDb

    def __init__(self):
        super().__init__(brrr=self.store, worker=getattr(self, "worker", Worker))

    async def execute(self, number, name, it):
        if name == "open" and "dynamodb" in it:
            self.store.place = it.pop("dynamodb")
        return await super().execute(number, name, it)


@breaks("DYN-1", smoke="schedule defer return")
class HasMoreAttributes(DynamoDbStore):
    """An item has an attribute more."""

    class store(OnDynamoDb):  # noqa: N801 - as it is called where it is used
        """With a type."""

        def item(self, key, octets):
            return {**super().item(key, octets), "type": {"S": "record"}}


@breaks("DYN-1", smoke="schedule defer")
class StoresText(DynamoDbStore):
    """The octets of a Call are kept as a string."""

    class store(OnDynamoDb):  # noqa: N801
        """With strings."""

        def item(self, key, octets):
            item = super().item(key, octets)
            if key.startswith("call/"):
                item["value"] = {"S": octets.decode(errors="replace")}
            return item


@breaks("DYN-2")
class CreatesItemsWithoutCondition(DynamoDbStore):
    """A record that was absent is written without a condition."""

    class store(OnDynamoDb):  # noqa: N801
        """With PutItem."""

        async def swap_item(self, key, old, new):
            if old is not None:
                await super().swap_item(key, old, new)
                return
            item = {**key, "value": binary(new)}
            await self.request("PutItem", Item=item)


@breaks("DYN-2")
class RemovesItemsInTwoRequests(DynamoDbStore):
    """A record is compared in one request and removed in another."""

    class store(OnDynamoDb):  # noqa: N801
        """With GetItem and DeleteItem."""

        async def swap(self, key, old, new):
            if new is not None:
                return await super().swap(key, old, new)
            if await self.get(key) != old:
                return False
            await self.request("DeleteItem", Key=self.key(key))
            return True


@breaks("DYN-3", first="other_error")
class TakesErrorsForMismatches(DynamoDbStore):
    """Any error of a condition's request is a mismatch."""

    class store(OnDynamoDb):  # noqa: N801
        """With other mismatches."""

        mismatches = (
            "ConditionalCheckFailedException",
            "ResourceNotFoundException",
            "ValidationException",
        )


@breaks("DYN-4")
class ReadsReturnsBehind(DynamoDbStore):
    """The pending returns are read without ConsistentRead."""

    class store(OnDynamoDb):  # noqa: N801
        """With reads that may be behind."""

        async def get(self, key):
            self.consistent = not key.startswith("pending_returns/")
            return await super().get(key)


@breaks("DYN-5")
class ReadsCallsOnce(DynamoDbStore):
    """A Call is read once, without ConsistentRead."""

    class store(OnDynamoDb):  # noqa: N801
        """With reads that may be behind."""

        async def get(self, key):
            self.consistent = not key.startswith("call/")
            return await super().get(key)


@breaks("DYN-5")
class ReadsCallsInAHurry(DynamoDbStore):
    """A Call is read five times without ConsistentRead, but within 0.2 s."""

    class store(OnDynamoDb):  # noqa: N801
        """With reads that may be behind."""

        async def get(self, key):
            self.consistent = not key.startswith("call/")
            for _ in range(5 - 4 * self.consistent):
                octets = await super().get(key)
                if octets is not None or self.consistent:
                    return octets
                await asyncio.sleep(0.04)
            return None


@breaks("DYN-6", first="refused")
class PassesOverRefusals(DynamoDbStore):
    """What DynamoDB refuses to store is taken for stored."""

    class store(OnDynamoDb):  # noqa: N801
        """Without errors."""

        async def put(self, key, octets):
            try:
                await super().put(key, octets)
            except BrrrError:
                return


@breaks("DYN-8", first="value_is_behind")
class ReadsValuesBehind(DynamoDbStore):
    """A value is read without ConsistentRead, and taken for absent."""

    class store(OnDynamoDb):  # noqa: N801
        """With reads that may be behind."""

        async def get(self, key):
            self.consistent = not key.startswith("value/")
            return await super().get(key)
