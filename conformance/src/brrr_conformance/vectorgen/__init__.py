# SPDX-License-Identifier: AGPL-3.0-only
"""Writes the vectors: tables chosen by hand, one module for each subject.

python -m brrr_conformance.vectorgen [FOLDER]
"""

from __future__ import annotations
