# SPDX-License-Identifier: AGPL-3.0-only
"""Runs pytest over the cases, in this process, with plugins that listen."""

from __future__ import annotations

import gc
import os
import signal
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from brrr_conformance import cases
from brrr_conformance.case import CASE, Case
from brrr_conformance.outcome import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CASES = Path(cases.__file__).parent
# Nothing of the user's own pytest: neither plugins nor options.
ENVIRONMENT = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
# Objects, before the collector looks at them: what a case makes lives until its end.
GC_OBJECTS = 100_000
# Plugins of pytest's that do something for each case, and nothing for a run.
NEEDLESS = [
    *("cacheprovider", "doctest", "junitxml", "logging", "threadexception"),
    *("unittest", "unraisableexception", "warnings"),
]


def run_pytest(
    options: Sequence[str], plugins: Sequence[object], modules: Sequence[str] = ()
) -> int:
    """Run all cases, or those of some modules; give pytest's exit code."""
    places = [str(CASES / f"{name}.py") for name in modules] or [str(CASES)]
    arguments = [
        *("-c", str(CASES / "pytest.ini"), "--rootdir", str(CASES)),
        *("-p", "pytest_asyncio.plugin", "--capture=no", "--tb=no"),
        *(f"-pno:{name}" for name in NEEDLESS),
        *options,
        *places,
    ]
    gc.set_threshold(GC_OBJECTS)
    with _environment(), ended_by_sigterm():
        return int(pytest.main(arguments, plugins=list(plugins)))


@dataclass(slots=True)
class Silence:
    """A plugin that takes pytest's own voice away, and keeps what went wrong."""

    errors: list[str] = field(default_factory=list)

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.pluginmanager.unregister(name="terminalreporter")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.errors.append(f"{report.nodeid}: {report.longrepr}")

    def pytest_keyboard_interrupt(
        self, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> None:
        if isinstance(excinfo.value, pytest.exit.Exception):
            self.errors.append(str(excinfo.value.msg))

    def pytest_internalerror(self, excrepr: object) -> None:
        self.errors.append(str(excrepr))


@dataclass(slots=True)
class Collector:
    """A plugin that notes what was collected."""

    cases: list[Case] = field(default_factory=list)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.cases = [item.stash[CASE] for item in session.items]


def collect() -> list[Case]:
    """List every case and vector that there is, without running any."""
    silence, collector = Silence(), Collector()
    run_pytest(["--collect-only"], [silence, collector])
    if silence.errors:
        raise HarnessError("\n".join(silence.errors))
    return collector.cases


@contextmanager
def _environment() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Take SIGTERM for Ctrl-C, so that adapters and Redis are ended too."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
