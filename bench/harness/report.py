# SPDX-License-Identifier: AGPL-3.0-only
"""The report: JSON, Markdown, and a plot."""

from __future__ import annotations

import json
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.machine import OUT, ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.duel import Result

LIMITS = ROOT / "bench" / "limits.md"
"""What is known about goals that are not met: profiles, and what they show."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where and when it was measured, without the name of the machine."""

    cpu: str
    cores: int
    system: str
    redis: str
    commit: str
    date: str
    command: str

    def line(self) -> str:
        return (
            f"{self.cpu}, {self.cores} cores, {self.system}, {self.redis};"
            f" {self.date}, commit {self.commit}; `{self.command}`"
        )


def first_line(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
    return done.stdout.strip().splitlines()[0] if done.stdout.strip() else "unknown"


def look(command: str, cores: int) -> Scene:
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    names = [x.split(":", 1)[1].strip() for x in info.splitlines() if "model name" in x]
    version = first_line("redis-server", "--version").split("v=")[-1].split()[0]
    return Scene(
        cpu=names[0] if names else platform.machine(),
        cores=cores,
        system=f"{platform.system()} {platform.release().split('-')[0]}",
        redis=f"Redis {version}",
        commit=first_line("git", "rev-parse", "--short", "HEAD"),
        date=datetime.now(tz=UTC).date().isoformat(),
        command=command,
    )


def number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def table(results: Sequence[Result]) -> str:
    rows = [
        "| contest | unit | ours | theirs | ratio | goal | | spread |",
        "|---|---|--:|--:|--:|--:|---|--:|",
    ]
    rows += [
        f"| {r.name} | {r.unit} | {number(r.ours)} | {number(r.theirs)} |"
        f" {r.ratio:.2f} | {r.goal:.2f} | {'met' if r.met else '**not met**'} |"
        f" {r.spread:.0%} |"
        for r in results
    ]
    return "\n".join(rows)


def markdown(results: Sequence[Result], scene: Scene) -> str:
    missed = [r.name for r in results if not r.met]
    verdict = f"Not met: {'; '.join(missed)}." if missed else "All goals are met."
    notes = "\n".join(f"- {r.name}: {r.about}; {r.rounds} rounds" for r in results)
    limits = LIMITS.read_text(encoding="utf-8") if LIMITS.is_file() else ""
    limits = "\n".join(x for x in limits.splitlines() if not x.startswith("<!--"))
    return f"""# The reference against its peers

{scene.line()}

The ratio says how many times better we are: the median over the rounds, in each of
which both sides ran one right after the other. Spread: the middle half of the ratios.
ours and theirs are medians. {verdict}

{table(results)}

## The runs

{notes}

{limits}
"""


def write(results: Sequence[Result], scene: Scene) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    body = {"contests": [each.as_json() for each in results]}
    text = json.dumps(body, indent=2, ensure_ascii=False)
    (OUT / "report.json").write_text(text + "\n", encoding="utf-8")
    (OUT / "report.md").write_text(markdown(results, scene), encoding="utf-8")
