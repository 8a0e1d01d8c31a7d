# SPDX-License-Identifier: AGPL-3.0-only
"""The engines of a run, and which cases and requirements are of its store.

Part of the pytest plugin. Most cases run on every store. One that is about an
engine says so with the marker `store`, and is not of a run on another; and what
is required of one engine's binding is not judged on another.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from brrr_conformance.config import Store
from brrr_conformance.dynamodb import Table, private_dynamodb
from brrr_conformance.outcome import HarnessError
from brrr_conformance.server import Server, serve_redis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from brrr_conformance.dynamodb import DynamoDb


# The requirements of each store's binding. Queue and cache are always on Redis.
BINDINGS = {
    Store.REDIS: re.compile(r"REDIS-(4|2[0-9])"),
    Store.DYNAMODB: re.compile(r"DYN-[0-9]+"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("brrr")
    group.addoption("--redis", metavar="URL", help="an empty database to work on")
    group.addoption("--store", choices=[*Store], default=Store.REDIS)


def is_elsewhere(item: pytest.Item, store: str) -> bool:
    """Tell whether a case is about another store."""
    marker = item.get_closest_marker("store")
    return marker is not None and marker.args[0] != store


def of_store(requirements: tuple[str, ...], store: str) -> tuple[str, ...]:
    """Leave out what is required of another store."""
    others = [pattern for name, pattern in BINDINGS.items() if name != store]
    return tuple(
        name
        for name in requirements
        if not any(pattern.fullmatch(name) for pattern in others)
    )


# ---- fixtures ---------------------------------------------------------------


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    try:
        async with serve_redis(request.config.getoption("--redis")) as server:
            yield server
    except HarnessError as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def dynamodb(request: pytest.FixtureRequest) -> AsyncIterator[DynamoDb | None]:
    """Give a DynamoDB, where it is the store."""
    if request.config.getoption("--store") != Store.DYNAMODB:
        yield None
        return
    try:
        async with private_dynamodb() as dynamodb:
            yield dynamodb
    except HarnessError as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)


@pytest_asyncio.fixture(loop_scope="session")
async def table(dynamodb: DynamoDb | None) -> AsyncIterator[Table | None]:
    """Give a clean table, where the store is DynamoDB."""
    if dynamodb is None:
        yield None
        return
    table = await Table.create(dynamodb)
    yield table
    await table.drop()
