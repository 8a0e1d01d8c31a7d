# SPDX-License-Identifier: AGPL-3.0-only
"""How a case can end, and the exceptions that make it end so."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.pb import adapter_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable

    from brrr_conformance.checker import Violation


class Status(StrEnum):
    PASSED = "passed"
    NOT_IMPLEMENTED = "not implemented"
    KNOWN_DEVIATION = "known deviation"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    CRASHED = "crashed"
    HARNESS_ERROR = "harness error"

    @property
    def is_failure(self) -> bool:
        return self not in (
            Status.PASSED,
            Status.NOT_IMPLEMENTED,
            Status.KNOWN_DEVIATION,
        )


def worst(statuses: Iterable[Status]) -> Status:
    """Sum up several; the enum is in order of badness."""
    order = list(Status)
    return max(statuses, key=order.index)


class CaseFailed(AssertionError):
    """The SDK did something else than the specification says."""


class TraceRejected(CaseFailed):
    """The trace checker is not content: a command broke a rule.

    `message`, if given, says more than the rule does.
    """

    def __init__(self, violation: Violation, message: str = "") -> None:
        super().__init__(message or str(violation))
        self.violation = violation


class AdapterCrashed(Exception):
    """The adapter's process ended, by itself or by a signal."""


class AdapterTimeout(Exception):
    """The adapter did not do in time what it was asked for."""


class AdapterBroken(Exception):
    """The adapter does not keep to adapter.proto: its harness is wrong."""


class HarnessError(Exception):
    """Something of ours is broken: no redis-server, a bad file, a bad case."""


class NotImplementedByAdapter(Exception):
    """Declared in adapter.toml, or replied with NOT_IMPLEMENTED."""


class CommandFailed(Exception):
    """A command ended in a Failure: for the case to judge, else it has failed."""

    def __init__(self, command: str, failure: adapter_pb2.Failure) -> None:
        code = adapter_pb2.Code.Name(failure.code)
        super().__init__(f"{command} failed: {code}: {failure.reason}")
        self.failure = failure
        self.code = code


def status_of(error: BaseException | None) -> Status:
    """Tell what a case's exception says about the SDK."""
    match error:
        case None:
            return Status.PASSED
        case NotImplementedByAdapter():
            return Status.NOT_IMPLEMENTED
        case AdapterCrashed():
            return Status.CRASHED
        case AdapterTimeout() | asyncio.TimeoutError():
            return Status.TIMED_OUT
        case AssertionError() | CommandFailed() | pytest.fail.Exception():
            return Status.FAILED
        case BaseExceptionGroup():
            return worst(status_of(one) for one in error.exceptions)
        case _:
            return Status.HARNESS_ERROR
