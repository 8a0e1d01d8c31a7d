# SPDX-License-Identifier: AGPL-3.0-only
"""`replay`: judge a failure file again, or play it again on an SDK; make it smaller."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brrr_conformance import deviation
from brrr_conformance.checker import check
from brrr_conformance.config import Store, load_adapters
from brrr_conformance.failure import (
    Failure,
    broken,
    events_of,
    read_failure,
    transcript,
)
from brrr_conformance.matrix.arena import Terms
from brrr_conformance.matrix.play import play_matrix
from brrr_conformance.options import Attach, Exit, Redis
from brrr_conformance.outcome import HarnessError
from brrr_conformance.session import Silence, run_pytest
from brrr_conformance.shrink import fewer, smaller
from brrr_conformance.spec import read_spec
from brrr_conformance.tap import Trace
from brrr_conformance.terminal import make_console

if TYPE_CHECKING:
    from brrr_conformance.checker import Violation

SHOWN = 60
USUAL_SECONDS = 120.0
# Of a case with several processes, whose order may be chance.
TRIES = 3
# Storms have numbers; the one that is meant is below this.
ANY_STORM = 1000


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A failure file.")],
    adapter: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="ADAPTER",
            help="Play the case again on this SDK; twice for a mixed fleet.",
        ),
    ] = None,
    minimise: Annotated[
        bool,
        typer.Option(
            "--minimise", help="Write FILE.min.json, which fails the same way."
        ),
    ] = False,
    budget: Annotated[
        float,
        typer.Option(metavar="SECONDS", help="How long --minimise may try.", min=1),
    ] = USUAL_SECONDS,
    redis: Redis = None,
    attach: Attach = False,
    full: Annotated[
        bool, typer.Option("--full", help="Show the whole transcript.")
    ] = False,
) -> None:
    """Judge a failure again offline; with --adapter, play it again on an SDK."""
    failure = read_failure(file)
    target = file.with_suffix(".min.json")
    if adapter:
        stage = Stage(failure, adapter, redis, attach=attach)
        code = _minimise_recipe(stage, target, budget) if minimise else _play(stage)
    elif attach:
        raise HarnessError("--attach is for a replay with --adapter")
    else:
        code = (
            _minimise_trace(failure, target, budget)
            if minimise
            else _judge(failure, full)
        )
    raise typer.Exit(code)


def _print(text: str) -> None:
    make_console().print(text, soft_wrap=True, markup=False, highlight=False)


# ---- offline ----------------------------------------------------------------


def _judge(failure: Failure, full: bool) -> Exit:
    """Judge what was recorded by the rules as they are now."""
    _describe(failure)
    violation = None if failure.rewritten else check(failure.trace)
    _show(failure, violation, full)
    if violation is not None:
        _print(f"still a violation: it {violation}")
        return Exit.FAILED
    if failure.violation is not None:
        _print("accepted: by the rules as they are now, the protocol allows all of it")
        return Exit.OK
    _print(
        f"{failure.status}, as recorded: {failure.first_line}\n"
        "The protocol allows each command; what the case itself demands can only be "
        "judged again with --adapter."
    )
    return Exit.FAILED


def _describe(failure: Failure) -> None:
    versions = ", ".join(f"{name} {it}" for name, it in failure.versions.items())
    sdks = ", ".join(f"{it.name}: {it.sdk} {it.version}" for it in failure.adapters)
    _print(f"{failure.case} on {sdks or failure.adapter} ({versions})")
    for each in failure.requirements:
        _print(f"[{each.id}] {each.sentence}")
    if failure.recipe:
        _print(f"recipe: {json.dumps(failure.recipe)}"[:1000])


def _show(failure: Failure, violation: Violation | None, full: bool) -> None:
    lines = list(transcript(failure))
    if violation is not None and lines:
        lines = _marked(failure.trace, lines, violation, full)
    elif not full:
        lines = _last(lines)
    if lines:
        _print("\n".join(["transcript:", *lines]))


def _marked(
    trace: Trace, lines: list[str], violation: Violation, full: bool
) -> list[str]:
    """Mark the frame of a violation, and keep what led to it.

    Where it is a message that was taken, the fault is what was not done then: what
    came next is kept too.
    """
    start = f"{violation.frame:5} "
    at = next(
        (at for at, line in enumerate(lines) if line.startswith(start)), len(lines) - 1
    )
    lines[at] += f"    <-- [{violation.requirement}]"
    if full:
        return lines
    frames = trace.frames
    taken = violation.frame < len(frames) and frames[violation.frame].reply is not None
    if not taken:
        return _last(lines[: at + 1])
    first = max(0, min(at - SHOWN // 4, len(lines) - SHOWN))
    left_out = len(lines) - first - SHOWN
    tail = [f"  ({left_out} lines after; --full shows all)"] if left_out > 0 else []
    head = [f"  ({first} lines before)"] if first else []
    return [*head, *lines[first : first + SHOWN], *tail]


def _last(lines: list[str]) -> list[str]:
    left_out = len(lines) - SHOWN
    head = [f"  ({left_out} lines before; --full shows all)"] if left_out > 0 else []
    return head + lines[-SHOWN:]


def _minimise_trace(failure: Failure, target: Path, budget: float) -> Exit:
    """Leave the fewest frames that break the same rule by the same command."""
    found = None if failure.rewritten else check(failure.trace)
    if found is None:
        _print("nothing to minimise offline: the protocol allows each command")
        return Exit.OK if failure.violation else Exit.FAILED
    trace = failure.trace
    pairs = _pairs(trace)
    end = time.monotonic() + budget

    def fails(some: list[list[int]]) -> bool:
        if time.monotonic() > end:
            return False
        violation = check(_only(trace, some))
        return violation is not None and (
            violation.requirement,
            violation.worker,
            violation.command,
            violation.reason,
        ) == (found.requirement, found.worker, found.command, found.reason)

    # What was sent later has no part in it, unless the fault is what was left undone.
    early = [pair for pair in pairs if pair[0] <= found.frame]
    left = fewer(early if fails(early) else pairs, fails)
    small = _only(trace, left)
    violation = check(small)
    made = failure.model_copy(
        update={"events": events_of(small), "violation": broken(violation)}
    )
    made.write(target)
    _show(made, violation, full=False)
    _print(f"{len(trace.frames)} frames, {len(small.frames)} of them needed: {target}")
    return Exit.FAILED


def _pairs(trace: Trace) -> list[list[int]]:
    """Group frames that only make sense together: a command and its reply."""
    pairs: list[list[int]] = []
    waiting: dict[tuple[str, int], list[list[int]]] = {}
    for number, frame in enumerate(trace.frames):
        line = waiting.setdefault((frame.worker, frame.connection), [])
        if frame.reply is None:
            pairs.append([number])
            line.append(pairs[-1])
        else:
            line.pop(0).append(number)
    return pairs


def _only(trace: Trace, pairs: list[list[int]]) -> Trace:
    """Keep these frames, and all asides."""
    kept = sorted(number for pair in pairs for number in pair)
    small = Trace(trace.start, trace.began)
    small.frames = [trace.frames[number] for number in kept]
    small.asides = list(trace.asides)
    for at, aside in enumerate(small.asides):
        before = sum(number < aside.at for number in kept)
        small.asides[at] = type(aside)(aside.seconds, before, aside.worker, aside.what)
    return small


# ---- on an SDK --------------------------------------------------------------


@dataclass(slots=True)
class Stage:
    """Where a case is played again."""

    failure: Failure
    adapters: list[Path]
    redis: str | None
    attach: bool = False
    # How the last one went: a failure, or None.
    last: Failure | None = None
    runs: int = 0
    errors: list[str] = field(default_factory=list)

    def play(self, recipe: dict[str, Any]) -> Failure | None:
        """Run the case with these choices; give how it failed, or None."""
        self.runs += 1
        if self.failure.case.startswith(deviation.MATRIX):
            self.last = self._play_cell(recipe)
            return self.last
        with tempfile.TemporaryDirectory(prefix="brrr-replay-") as name:
            folder = Path(name)
            (folder / "recipe.json").write_text(json.dumps(recipe))
            options = self._options(folder)
            silence, collected = Silence(), _Collected()
            run_pytest(options, [silence, collected])
            self.errors += silence.errors
            if silence.errors:
                raise HarnessError("\n".join(silence.errors))
            if not collected.ran:
                raise HarnessError(f"there is no case {self.failure.case} any more")
            files = sorted(folder.glob("failures/*/*.json"))
            self.last = read_failure(files[0]) if files else None
        return self.last

    def _play_cell(self, recipe: dict[str, Any]) -> Failure | None:
        """Play a cell of the matrix."""
        configs, failure = load_adapters(self.adapters), self.failure
        with tempfile.TemporaryDirectory(prefix="brrr-replay-") as name:
            terms = Terms(
                read_spec(),
                store=Store(failure.store),
                redis=self.redis,
                seed=failure.seed,
                storms=ANY_STORM,
                only=[failure.case],
                recipe=recipe,
                failures=Path(name),
            )
            asyncio.run(play_matrix(configs, terms))
            files = sorted(Path(name).glob("*/*.json"))
            return read_failure(files[0]) if files else None

    def _options(self, folder: Path) -> list[str]:
        failure = self.failure
        load_adapters(self.adapters)  # says what is wrong, before anything starts
        options = ["--case", failure.case, "--without-deviations"]
        options += ["--seed", str(failure.seed), "--store", failure.store]
        options += ["--recipe", str(folder / "recipe.json")]
        options += ["--failures", str(folder / "failures")]
        for each in self.adapters:
            options += ["--adapter", str(each.resolve())]
        if self.redis is not None:
            options += ["--redis", self.redis]
        if self.attach:
            options += ["--attach"]
        return options

    def same(self, other: Failure | None) -> bool:
        """Tell whether it fails the same way."""
        return other is not None and same_way(self.failure, other)


def same_way(first: Failure, second: Failure) -> bool:
    """Compare two failures: status, and the rule or the words of the case."""
    if first.status is not second.status:
        return False
    if first.violation is not None or second.violation is not None:
        rules = [it.violation and it.violation.requirement for it in (first, second)]
        return rules[0] == rules[1]
    return first.headline == second.headline


@dataclass(slots=True)
class _Collected:
    """A plugin that counts what ran."""

    ran: int = 0

    def pytest_runtest_logfinish(self) -> None:
        self.ran += 1


def _play(stage: Stage) -> Exit:
    """Play it with all that was chosen then; several times if workers may race."""
    workers = {frame.worker for frame in stage.failure.trace.frames}
    now, runs = None, 0
    while now is None and runs < (TRIES if len(workers) > 1 else 1):
        now, runs = stage.play(stage.failure.recipe), runs + 1
    if now is None:
        times = f", in {runs} runs" if runs > 1 else ""
        _print(f"{stage.failure.case}: does not fail any more{times}")
        return Exit.OK
    _print(now.message)
    if stage.same(now):
        _print("still fails, the same way")
    else:
        before = stage.failure
        _print(f"still fails, in another way; it was {before.status}:")
        _print(before.first_line)
    return Exit.FAILED


def _minimise_recipe(stage: Stage, target: Path, budget: float) -> Exit:
    """Shrink what the case chose, as long as it fails the same way."""
    first = stage.play(stage.failure.recipe)
    if not stage.same(first):
        return _play(stage)
    if not stage.failure.recipe:
        _print(
            "still fails, the same way; this case chooses nothing that could be "
            "smaller. Without --adapter, --minimise leaves the frames that matter"
        )
        return Exit.FAILED
    end = time.monotonic() + budget
    best = [first]

    def fails(recipe: Any) -> bool:
        if time.monotonic() > end or not isinstance(recipe, dict):
            return False
        if recipe.keys() != stage.failure.recipe.keys():
            return False
        now = stage.play(recipe)
        if stage.same(now):
            best[0] = now
            return True
        return False

    smaller(dict(stage.failure.recipe), fails)
    if best[0] is not None:
        best[0].write(target)
        recipe = json.dumps(best[0].recipe)
        _print(f"{stage.runs} runs; fails the same way with {recipe[:1000]}")
        _print(f"wrote {target}")
    return Exit.FAILED
