# SPDX-License-Identifier: AGPL-3.0-only
"""Generated from proto/ by generate_pb.py."""

from __future__ import annotations
