# SPDX-License-Identifier: AGPL-3.0-only
"""The trace checker: says whether the protocol allows a recorded case.

Read check.py first; then the rules, one file each for how messages are taken
(taking.py), what is written (recording.py, registering.py), what is put
(putting.py), what the adapter says (speaking.py) and what is left undone
(ending.py).
"""

from brrr_conformance.checker.check import check
from brrr_conformance.checker.verdict import Violation

__all__ = ["Violation", "check"]
