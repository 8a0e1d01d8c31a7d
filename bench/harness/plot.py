# SPDX-License-Identifier: AGPL-3.0-only
"""The plot: how many times better, and the goal, on a logarithmic scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.duel import Result

MET, MISSED, GOAL = "#2a7f62", "#b5533c", "#222222"
INCHES_A_ROW = 0.3


def draw(results: Sequence[Result], path: Path, subtitle: str) -> None:
    """Write an SVG, the same octets for the same results."""
    mpl.rcParams["svg.hashsalt"] = "brrr"
    mpl.rcParams["svg.fonttype"] = "none"
    rows = range(len(results))
    figure = Figure(figsize=(9, 1.6 + INCHES_A_ROW * len(results)))
    axes = figure.add_subplot()
    axes.barh(
        rows,
        [r.ratio for r in results],
        color=[MET if r.met else MISSED for r in results],
        height=0.62,
    )
    for row, r in zip(rows, results, strict=True):
        axes.plot([r.goal] * 2, [row - 0.4, row + 0.4], color=GOAL, linewidth=1.6)
        end = max(r.ratio, r.goal) * 1.07
        axes.text(end, row, f"{r.ratio:.2f} x", va="center", fontsize=8)
    axes.set_yticks(rows, [r.name for r in results], fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(right=max(max(r.ratio, r.goal) for r in results) * 2.2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("times better than theirs (bar) and the goal (line)", fontsize=10)
    axes.set_xlabel(subtitle, fontsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
