# SPDX-License-Identifier: AGPL-3.0-only
"""Judges implementations of the Brrr protocol against its specification."""

from __future__ import annotations
