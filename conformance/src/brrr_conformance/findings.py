# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the pages of conformance/findings: what is known of the SDKs' defects."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# In a checkout; an installed package has no such folder.
FOLDER = Path(__file__).resolve().parents[2] / "findings"

_TITLE = re.compile(r"^# (?:\d+: )?(.+)$", re.MULTILINE)
_WHAT = re.compile(r"^## What\n+(.+?)(?=\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)


def read_findings(
    names: Iterable[str], folder: Path = FOLDER
) -> dict[str, dict[str, str]]:
    """Give the title of each page, and its first paragraph about what is wrong."""
    found = {}
    for name in sorted(names):
        page = folder / f"{name}.md"
        if re.fullmatch(r"[\w-]+", name) and page.is_file():
            text = page.read_text(encoding="utf-8")
            title, what = _TITLE.search(text), _WHAT.search(text)
            found[name] = {
                "title": title[1] if title else name,
                "what": " ".join(what[1].split()) if what else "",
            }
    return found
