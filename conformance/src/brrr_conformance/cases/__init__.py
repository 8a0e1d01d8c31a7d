# SPDX-License-Identifier: AGPL-3.0-only
"""The cases: pytest tests, one module for each subject. See the README."""

from __future__ import annotations
