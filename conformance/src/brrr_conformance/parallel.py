# SPDX-License-Identifier: AGPL-3.0-only
"""Runs cases side by side, by several hands: part of the pytest plugin.

A hand is a fork of the process that has collected the cases. It is given one case
after the other, has a Redis and adapter processes of its own, and sends back what
pytest reports; to the plugins of the parent it looks as if all ran there.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
import traceback
from collections import deque
from dataclasses import dataclass, field
from multiprocessing import connection
from typing import TYPE_CHECKING, Any

import pytest

from brrr_conformance.case import OUTCOME, WELCOMES
from brrr_conformance.outcome import Status
from brrr_conformance.pb import adapter_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

# What a hand may take to end adapters and Redis, before it is killed.
END_SECONDS = 20.0
# So many that die in a case are replaced.
MOST_DEATHS = 3

FORK = multiprocessing.get_context("fork")


class Listener:
    """A plugin that hears of results, and has no place in a hand."""


class HandFailed(Exception):
    """A hand could not go on, and no case is to blame."""


@dataclass(slots=True)
class Hand:
    process: BaseProcess
    pipe: Connection
    # The case that it is at.
    index: int | None = None

    def give(self, index: int | None) -> None:
        """Give it a case, or nothing more."""
        self.index = index
        with contextlib.suppress(OSError):  # it has died: its pipe will tell
            self.pipe.send(index)

    def take(self) -> tuple[str, Any]:
        """Wait for what it sends: EOFError if it has died."""
        try:
            kind, data = self.pipe.recv()
        except OSError as error:
            raise EOFError from error
        return kind, data


def default_jobs() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0))


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("brrr")
    group.addoption(
        "--jobs", type=int, default=1, metavar="N", help="so many cases at a time"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    option = session.config.option
    jobs = min(option.jobs, len(session.items))
    if jobs < 2 or option.redis or option.collectonly or session.testsfailed:
        return None
    crew = Crew(session, deque(range(len(session.items))))
    with crew.at_work(jobs):
        crew.work_off()
    return True


# ---- the parent -------------------------------------------------------------


@dataclass(slots=True)
class Crew:
    session: pytest.Session
    left: deque[int]
    hands: list[Hand] = field(default_factory=list)
    deaths: int = 0

    @contextlib.contextmanager
    def at_work(self, jobs: int) -> Iterator[None]:
        """Have hands, and leave none behind."""
        for _ in range(jobs):
            self.hire()
        try:
            yield
        except BaseException:
            for hand in self.hands:
                if hand.process.pid is not None and hand.process.is_alive():
                    os.kill(hand.process.pid, signal.SIGINT)
            with contextlib.suppress(HandFailed):
                self.dismiss()
            raise
        else:
            self.dismiss()
        finally:
            for hand in self.hands:
                hand.process.kill()
                hand.process.join()

    def hire(self) -> None:
        ours, theirs = FORK.Pipe()
        foreign = [ours, *(hand.pipe for hand in self.hands)]
        process = FORK.Process(target=lend, args=(self.session, theirs, foreign))
        process.start()
        theirs.close()
        hand = Hand(process, ours)
        self.hands.append(hand)
        self.next(hand)

    def next(self, hand: Hand) -> None:
        hand.give(self.left.popleft() if self.left else None)

    def work_off(self) -> None:
        while busy := [hand for hand in self.hands if hand.index is not None]:
            ready = connection.wait([hand.pipe for hand in busy])
            for hand in busy:
                if hand.pipe in ready:
                    self.listen(hand)
            if self.session.shouldstop or self.session.shouldfail:
                self.left.clear()
        if self.session.shouldfail:
            raise self.session.Failed(self.session.shouldfail)
        if self.session.shouldstop:
            raise self.session.Interrupted(self.session.shouldstop)

    def listen(self, hand: Hand) -> None:
        config = self.session.config
        try:
            kind, data = hand.take()
        except EOFError:
            self.bury(hand)
            return
        match kind:
            case "report":
                report = config.hook.pytest_report_from_serializable(
                    config=config, data=data
                )
                config.hook.pytest_runtest_logreport(report=report)
            case "over":
                for name, octets in data.items():
                    config.stash[WELCOMES][name] = pb.Welcome.FromString(octets)
                self.next(hand)
            case "exit":
                pytest.exit(*data)
            case _:
                raise HandFailed(data)

    def bury(self, hand: Hand) -> None:
        """Tell of a hand that died in a case; let another one take its place."""
        hand.process.join()
        self.hands.remove(hand)
        self.deaths += 1
        if self.deaths > MOST_DEATHS:
            raise HandFailed(f"the runner's own processes die: {self.deaths} so far")
        item = self.session.items[hand.index or 0]
        why = f"the runner's own process died in this case ({hand.process.exitcode})"
        outcome = item.stash[OUTCOME].after(Status.HARNESS_ERROR, 0.0, why)
        report = pytest.TestReport(
            item.nodeid, item.location, {}, "failed", why, "teardown"
        )
        report.brrr = outcome.to_json()  # type: ignore[attr-defined]
        self.session.config.hook.pytest_runtest_logreport(report=report)
        if self.left:
            self.hire()

    def dismiss(self) -> None:
        """Wait until every hand has put away what it had."""
        deadline = time.monotonic() + END_SECONDS
        for hand in self.hands:
            with contextlib.suppress(EOFError):
                while hand.pipe.poll(max(0.0, deadline - time.monotonic())):
                    kind, data = hand.take()
                    if kind == "fault":
                        raise HandFailed(data)


# ---- a hand -----------------------------------------------------------------


def lend(
    session: pytest.Session, pipe: Connection, foreign: Sequence[Connection]
) -> None:
    """Be a hand: run what comes through the pipe, until nothing more does."""
    os.setpgid(0, 0)  # Ctrl-C is for the parent, which passes it on
    with contextlib.suppress(KeyboardInterrupt, EOFError, BrokenPipeError):
        try:
            for each in foreign:  # else nobody would notice the parent's death
                each.close()
            plugins = session.config.pluginmanager
            for _, plugin in plugins.list_name_plugin():
                if isinstance(plugin, Listener):
                    plugins.unregister(plugin)
            plugins.register(Sender(session.config, pipe))
            run_given(session, pipe)
        except pytest.exit.Exception as error:
            pipe.send(("exit", (error.msg, error.returncode)))
        except Exception:
            pipe.send(("fault", traceback.format_exc()))


def run_given(session: pytest.Session, pipe: Connection) -> None:
    hook = session.config.hook
    runner: Any = session.config.pluginmanager.get_plugin("runner")
    try:
        while (index := pipe.recv()) is not None:
            # What follows has nothing in common with it but the session.
            hook.pytest_runtest_protocol(item=session.items[index], nextitem=session)
            welcomes = session.config.stash[WELCOMES].items()
            pipe.send(("over", {k: each.SerializeToString() for k, each in welcomes}))
    finally:
        runner.pytest_sessionfinish(session)  # ends what all cases had in common


@dataclass(slots=True, eq=False)
class Sender:
    """A hand's plugin: sends what is reported."""

    config: pytest.Config
    pipe: Connection

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self.config.hook.pytest_report_to_serializable(
            config=self.config, report=report
        )
        self.pipe.send(("report", data))
