# SPDX-License-Identifier: AGPL-3.0-only
"""DynamoDBLocal, Amazon's own DynamoDB for tests: a private one, and its tables.

It is started from the folder that `make dynamodb` fills. It listens on every
address, for it has no option against that; so each run has an access key of its
own, made by chance: what is kept for one key is never shown to another.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from brrr_conformance import request
from brrr_conformance.outcome import HarnessError
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.server import ATTEMPTS, GUARD, free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from brrr_conformance.request import Json

FOLDER = "BRRR_DYNAMODB"
MAIN = "software.amazon.dynamodb.services.local.main.ServerRunner"
REGION = "us-east-1"
# A Java that starts on a busy machine.
START_SECONDS = 60.0

SCHEMA = {
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


class DynamoDbError(Exception):
    """DynamoDB refused what the runner itself wanted."""


@dataclass(frozen=True, slots=True)
class DynamoDb:
    """A DynamoDB and how to speak to it: its JSON protocol, over HTTP."""

    url: str
    access_key_id: str
    session: aiohttp.ClientSession

    async def do(self, operation: str, **fields: object) -> Json:
        """Send one request; raise if it is refused."""
        scope = f"{self.access_key_id}/20200101/{REGION}/dynamodb/aws4_request"
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": request.API + operation,
            # It looks at whose key this is, never at the signature.
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, "
            "SignedHeaders=host, Signature=0",
        }
        body = json.dumps(fields).encode()
        async with self.session.post(self.url, data=body, headers=headers) as answer:
            text = await answer.read()
            if answer.status != 200:
                raise DynamoDbError(f"{operation}: {text.decode(errors='replace')}")
        found: Json = json.loads(text)
        return found


@dataclass(frozen=True, slots=True)
class Table:
    """A table of records: spec/dynamodb.md."""

    dynamodb: DynamoDb
    name: str

    @classmethod
    async def create(cls, dynamodb: DynamoDb) -> Table:
        table = cls(dynamodb, f"brrr-{secrets.token_hex(8)}")
        await table._do("CreateTable", **SCHEMA)
        return table

    async def drop(self) -> None:
        await self._do("DeleteTable")

    async def put(self, key: bytes, octets: bytes) -> None:
        item = {**self._key(key), "value": request.binary(octets)}
        await self._do("PutItem", Item=item)

    async def get(self, key: bytes) -> bytes | None:
        found = await self._do("GetItem", Key=self._key(key), ConsistentRead=True)
        return request.octets_of(found["Item"]) if "Item" in found else None

    async def remove(self, key: bytes) -> None:
        await self._do("DeleteItem", Key=self._key(key))

    async def read(self) -> dict[bytes, bytes]:
        """Read every record."""
        found: dict[bytes, bytes] = {}
        page: dict[str, Any] = {}
        while True:
            answer = await self._do("Scan", ConsistentRead=True, **page)
            for item in answer["Items"]:
                found[request.record_key(item)] = request.octets_of(item)
            if "LastEvaluatedKey" not in answer:
                return found
            page = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def place(self, port: int) -> pb.DynamoDb:
        """Tell an adapter where it is, behind a port here (a tap)."""
        return pb.DynamoDb(
            endpoint=f"http://127.0.0.1:{port}",
            region=REGION,
            table=self.name,
            access_key_id=self.dynamodb.access_key_id,
            secret_access_key=secrets.token_hex(20),  # any will do
        )

    def _key(self, key: bytes) -> Json:
        parts = request.item_key(key)
        if parts is None:
            raise HarnessError(f"no key of a record: {key!r}")
        return parts

    async def _do(self, operation: str, **fields: object) -> Json:
        return await self.dynamodb.do(operation, TableName=self.name, **fields)


# ---- the server -------------------------------------------------------------


@contextlib.asynccontextmanager
async def private_dynamodb() -> AsyncIterator[DynamoDb]:
    """Start a DynamoDBLocal of our own on a free port; keep nothing."""
    java, jars = _find()
    key = secrets.token_hex(10).upper()
    async with aiohttp.ClientSession() as session:
        with tempfile.TemporaryDirectory(prefix="brrr-dynamodb-") as name:
            folder = os.path.realpath(name)  # noqa: ASYNC240 - once
            for _ in range(ATTEMPTS):
                port = free_port()
                process = await _start(java, jars, port, folder)
                dynamodb = DynamoDb(f"http://127.0.0.1:{port}/", key, session)
                try:
                    if await _answers(dynamodb, process):
                        yield dynamodb
                        return
                finally:
                    # The whole session, guard and server: nothing is worth saving.
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    await process.wait()
            log = (Path(folder) / "log").read_text(errors="replace")[-2000:]
            raise HarnessError(f"DynamoDBLocal does not start: {log}")


def _find() -> tuple[str, Path]:
    """Find Java and the jars."""
    java = shutil.which("java")
    if java is None:
        raise HarnessError("no java on the PATH; `make dynamodb` installs it")
    checkout = Path(__file__).resolve().parents[3]
    jars = Path(os.environ.get(FOLDER, checkout / "build" / "dynamodb")).resolve()
    if not list(jars.glob("DynamoDBLocal-*.jar")):
        raise HarnessError(
            f"no DynamoDBLocal in {jars}: run `make dynamodb`, or name the folder of "
            f"its jars in {FOLDER}"
        )
    return java, jars


async def _start(
    java: str, jars: Path, port: int, folder: str
) -> asyncio.subprocess.Process:
    # fmt: off
    words = [
        java, "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
        "-cp", f"{jars}/*", MAIN,
        "-inMemory", "-disableTelemetry", "-port", str(port),
    ]
    # fmt: on
    with (Path(folder) / "log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            GUARD,
            folder,
            *words,
            cwd=folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


async def _answers(dynamodb: DynamoDb, process: asyncio.subprocess.Process) -> bool:
    """Wait until it answers; it ends by itself where the port has been taken."""
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    while asyncio.get_running_loop().time() < deadline and process.returncode is None:
        with contextlib.suppress(aiohttp.ClientError, DynamoDbError, OSError):
            await dynamodb.do("ListTables")
            return True
        await asyncio.sleep(0.1)
    return False
