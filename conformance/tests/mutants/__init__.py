# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants: SDKs that each break one requirement, for the suite to be found out by.

Each is a class that overrides a step of adapters/tiny; its docstring says in one
sentence what it does wrong. The suite kills it when a case or vector of just that
requirement fails. `make mutants` prints who was killed by what; kit.py says how a
mutant is written, lawful.py has variants of tiny that must not be killed.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.append(str(ROOT / "adapters" / "tiny"))
