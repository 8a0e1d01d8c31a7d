# SPDX-License-Identifier: AGPL-3.0-only
"""What an exception says about the SDK."""

from __future__ import annotations

import pytest

from brrr_conformance.outcome import (
    AdapterCrashed,
    AdapterTimeout,
    CaseFailed,
    CommandFailed,
    HarnessError,
    NotImplementedByAdapter,
    Status,
    status_of,
    worst,
)
from brrr_conformance.pb import adapter_pb2 as pb


def missing_failure() -> BaseException:
    """Give what pytest.raises raises when nothing was raised."""
    with pytest.raises(pytest.fail.Exception) as caught, pytest.raises(CommandFailed):
        pass
    return caught.value


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, Status.PASSED),
        (NotImplementedByAdapter("x"), Status.NOT_IMPLEMENTED),
        (CaseFailed("x"), Status.FAILED),
        (CommandFailed("read", pb.Failure(code=pb.BACKEND)), Status.FAILED),
        (missing_failure(), Status.FAILED),
        (AdapterTimeout("x"), Status.TIMED_OUT),
        (TimeoutError(), Status.TIMED_OUT),
        (AdapterCrashed("x"), Status.CRASHED),
        (HarnessError("x"), Status.HARNESS_ERROR),
        (KeyError("ours"), Status.HARNESS_ERROR),
        (ExceptionGroup("", [CaseFailed("x"), AdapterCrashed("x")]), Status.CRASHED),
    ],
)
def test_status(error: BaseException | None, status: Status) -> None:
    assert status_of(error) is status


def test_worst() -> None:
    assert worst([Status.PASSED, Status.NOT_IMPLEMENTED]) is Status.NOT_IMPLEMENTED
    assert worst([Status.FAILED, Status.KNOWN_DEVIATION]) is Status.FAILED
    bad = {Status.FAILED, Status.TIMED_OUT, Status.CRASHED, Status.HARNESS_ERROR}
    assert {status for status in Status if status.is_failure} == bad
