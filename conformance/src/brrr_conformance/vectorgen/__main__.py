# SPDX-License-Identifier: AGPL-3.0-only
"""Writes one file of vectors for each suite."""

from __future__ import annotations

import sys
from pathlib import Path

from brrr_conformance.vectorgen.files import files, folder


def main(target: Path) -> None:
    """Write all files, and remove those of suites that are no more."""
    made = files()
    for old in target.glob("*.jsonl"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (target / name).write_text(text, encoding="utf-8")
        print(f"{text.count(chr(10)):5}  {name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else folder())
