# SPDX-License-Identifier: AGPL-3.0-only
"""The process of a mutant or variant: tiny's adapter, around the one that MUTANT names.

MUTANT=puts-twice brrr-conformance run conformance/tests/mutants -k SCHED-4
"""

from __future__ import annotations

import asyncio
import os

from mutants.everyone import MUTANTS, VARIANTS
from mutants.kit import make_adapter

if __name__ == "__main__":
    name = os.environ["MUTANT"]
    kind = (MUTANTS | VARIANTS)[name].kind
    asyncio.run(make_adapter(kind).run())
