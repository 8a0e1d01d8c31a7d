# SPDX-License-Identifier: AGPL-3.0-only
"""Exceptions that come out of the SDK, as Failure."""

from __future__ import annotations

import traceback

import bencodepy
import brrr
from botocore.exceptions import BotoCoreError, ClientError
from redis.exceptions import RedisError


class HandlerFailedError(Exception): ...


class MisuseError(Exception): ...


FAILURES = {  # the first that fits; README.md says why ValueError is a refusal
    HandlerFailedError: "HANDLER_FAILED",
    MisuseError: "MISUSE",
    brrr.SpawnLimitError: "SPAWN_LIMIT",
    brrr.NotFoundError: "CALL_MISSING",
    bencodepy.BencodeDecodeError: "REFUSED",
    ValueError: "REFUSED",
    RedisError: "BACKEND",
    OSError: "BACKEND",
    BotoCoreError: "BACKEND",
    ClientError: "BACKEND",
    Exception: "UNEXPECTED",
}


def failure(error: BaseException) -> dict[str, str]:
    code = next(code for kind, code in FAILURES.items() if isinstance(error, kind))
    if code == "UNEXPECTED":
        traceback.print_exception(error)
    return {"code": code, "reason": f"{type(error).__name__}: {error}"}
