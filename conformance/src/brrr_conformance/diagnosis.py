# SPDX-License-Identifier: AGPL-3.0-only
"""Tells why a case has failed: what was due, what was seen, what led to it."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from brrr_conformance.outcome import Status, TraceRejected, status_of
from brrr_conformance.pool import Bench
from brrr_conformance.world import World

if TYPE_CHECKING:
    import pytest

    from brrr_conformance.spec import Spec

FRAMES_SHOWN = 40


def tell(error: BaseException, world: World) -> str:
    """Write the message of a failure that no case has."""
    parts = [_words(error), *getattr(error, "__notes__", []), *_of_world(world)]
    if status_of(error) is Status.HARNESS_ERROR:
        parts.append(_own_traceback(error))
    return "\n".join(filter(None, parts))


def diagnose(spec: Spec, item: pytest.Item, report: Any, error: BaseException) -> str:
    """Write the message of a failure; its first line says the most."""
    parts = [_headline(report, error), *getattr(error, "__notes__", [])]
    funcargs = getattr(item, "funcargs", {})
    if status_of(error) is Status.FAILED and not isinstance(error, TraceRejected):
        worlds = (each for each in funcargs.values() if isinstance(each, World))
        parts += [f"it {rule}" for each in worlds if (rule := each.judge())]
    parts += [
        f"[{found.id}] {found.sentence}"
        for mark in item.iter_markers("requirement")
        for name in mark.args
        if (found := spec.requirements.get(name))
    ]
    for value in funcargs.values():
        if isinstance(value, World):
            parts += _of_world(value)
        elif isinstance(value, Bench):
            parts += _log(value.last.log() if value.last else "")
    if status_of(error) is Status.HARNESS_ERROR:
        parts.append(_own_traceback(error))
    return "\n".join(parts)


def _own_traceback(error: BaseException) -> str:
    """Show where it came from, without the frames of pytest and asyncio."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "brrr_conformance" in frame.filename
    ]
    head = [f"{type(error).__name__} in the runner:\n"]
    return "".join(head + traceback.format_list(frames)).rstrip()


def _headline(report: Any, error: BaseException) -> str:
    """Give the exception's own words; an assert has those that pytest gave it."""
    if type(error) is AssertionError:
        crash = getattr(report.longrepr, "reprcrash", None)
        text = crash.message if crash else str(error)
        return text.removeprefix("AssertionError: ")
    return _words(error)


def _words(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(str(each) for each in error.exceptions)
    return str(error) or type(error).__name__


def _of_world(world: World) -> list[str]:
    parts = [f"problem reported by {each}" for each in world.problems]
    if world.frames:
        left_out = max(0, len(world.frames) - FRAMES_SHOWN)
        head = f"last frames ({left_out} before):" if left_out else "frames:"
        parts.append("\n".join([head, *world.trace.lines(FRAMES_SHOWN)]))
    return parts + _log(world.log())


def _log(text: str) -> list[str]:
    return [f"standard error:\n{text.strip()}"] if text.strip() else []
