# SPDX-License-Identifier: AGPL-3.0-only
"""The stores: the SDK's own on DynamoDB, and one on our Redis binding.

The SDK has no store on Redis; its Store interface is made for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from brrr.backends.dynamo import DynamoDbMemStore
from brrr.store import CompareMismatch, MemKey, NotFoundError, Store

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

IF_SAME = "if redis.call('GET', KEYS[1]) == ARGV[1] then {} return 1 end return 0"
CAS = IF_SAME.format("redis.call('SET', KEYS[1], ARGV[2])")
CAD = IF_SAME.format("redis.call('DEL', KEYS[1])")


def name(key: MemKey) -> str:
    return f"{key.type}/{key.call_hash}"  # [REDIS-20]


class RedisStore(Store):  # type: ignore[misc]
    def __init__(self, client: Any) -> None:
        self.client = client

    async def has(self, key: MemKey) -> bool:
        return bool(await self.client.exists(name(key)))

    async def get(self, key: MemKey) -> bytes:
        value = await self.client.get(name(key))
        if value is None:
            raise NotFoundError(key)
        return bytes(value)

    async def get_with_retry(self, key: MemKey) -> bytes:
        return await self.get(key)  # Redis is consistent

    async def set(self, key: MemKey, value: bytes) -> None:
        await self.client.set(name(key), value)

    async def delete(self, key: MemKey) -> None:
        await self.client.delete(name(key))

    async def set_new_value(self, key: MemKey, value: bytes) -> None:
        if not await self.client.set(name(key), value, nx=True):
            raise CompareMismatch

    async def compare_and_set(self, key: MemKey, value: bytes, expected: bytes) -> None:
        if not await self.client.eval(CAS, 1, name(key), expected, value):
            raise CompareMismatch

    async def compare_and_delete(self, key: MemKey, expected: bytes) -> None:
        if not await self.client.eval(CAD, 1, name(key), expected):
            raise CompareMismatch


async def open_dynamodb(stack: AsyncExitStack, table: dict[str, str]) -> Any:
    import aioboto3

    client = aioboto3.Session().client(
        "dynamodb",
        endpoint_url=table["endpoint"],
        region_name=table["region"],
        aws_access_key_id=table["access_key_id"],
        aws_secret_access_key=table["secret_access_key"],
    )
    return DynamoDbMemStore(await stack.enter_async_context(client), table["table"])
