# SPDX-License-Identifier: AGPL-3.0-only
"""Compares two reports: what got worse, better, is new, is gone.

By requirement and by case, for each adapter. Something got worse when its status
is in a lower rank than before (RANKS), and a requirement also when a new case of
it fails. One failure in place of another is `changed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from brrr_conformance.matrix.page import cells_of
from brrr_conformance.outcome import HarnessError, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Change(StrEnum):
    WORSE = "worse"
    BETTER = "better"
    CHANGED = "changed"
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Difference:
    change: Change
    adapter: str
    # A requirement or a case.
    name: str
    is_requirement: bool
    before: Status | None
    after: Status | None
    # Why, where there is more to say than a status: its first line.
    message: str = ""


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Find the differences: requirements first, in the order of the new report."""
    return (
        *_differences(_requirements(old), _requirements(new), is_requirement=True),
        *_differences(_cases(old), _cases(new), is_requirement=False),
    )


# A thing and its adapter: its status, and the message of a case.
Found = dict[tuple[str, str], tuple[Status, str]]


def _requirements(report: Mapping[str, Any]) -> Found:
    return {
        (name, adapter): (Status(status), "")
        for name, row in report.get("requirements", {}).items()
        for adapter, status in row.items()
    }


def _cases(report: Mapping[str, Any]) -> Found:
    if report.get("kind") == "matrix":
        return dict(_of_matrix(report))
    try:
        return {
            (each["id"], each["adapter"]): (Status(each["status"]), each["message"])
            for each in report["results"]
        }
    except (KeyError, TypeError, ValueError) as error:
        raise HarnessError(f"not a report: {error!r}") from error


def _of_matrix(
    report: Mapping[str, Any],
) -> Iterable[tuple[tuple[str, str], tuple[Status, str]]]:
    for each in cells_of(report):
        yield (each["id"], "matrix"), (Status(each["status"]), each["message"])


def _differences(
    old: Found, new: Found, *, is_requirement: bool
) -> Iterable[Difference]:
    for key in [*new, *(key for key in old if key not in new)]:
        before, (after, message) = old.get(key, NOTHING)[0], new.get(key, NOTHING)
        if before != after:
            name, adapter = key
            headline = message.partition("\n")[0]
            change = _change(before, after)
            yield Difference(
                change, adapter, name, is_requirement, before, after, headline
            )


NOTHING: tuple[None, str] = (None, "")


def _change(before: Status | None, after: Status | None) -> Change:
    if before is None or after is None:
        return Change.NEW if before is None else Change.GONE
    step = rank(after) - rank(before)
    return Change.WORSE if step > 0 else Change.BETTER if step else Change.CHANGED


def rank(status: Status) -> int:
    """Say how bad a status is; all failures are equally bad."""
    good = (Status.PASSED, Status.NOT_IMPLEMENTED, Status.KNOWN_DEVIATION)
    return len(good) if status.is_failure else good.index(status)
