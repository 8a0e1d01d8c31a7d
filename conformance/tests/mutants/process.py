# SPDX-License-Identifier: AGPL-3.0-only
"""The process of a mutant or variant: tiny's adapter, around the one that MUTANT names.

MUTANT=puts-twice brrr-conformance run conformance/tests/mutants -k SCHED-4
"""

from __future__ import annotations

import asyncio
import os

from mutants import everyone  # noqa: F401 - declares them
from mutants.kit import find, make_adapter

if __name__ == "__main__":
    kinds = [each.kind for each in find(os.environ["MUTANT"])]
    asyncio.run(make_adapter(kinds).run())
