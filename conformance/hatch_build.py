# SPDX-License-Identifier: AGPL-3.0-only
"""Puts into the wheel what the runner needs and a checkout has elsewhere."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class DataHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds spec and captured frames, but not to an editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            build_data["force_include"] |= {
                "../spec": "brrr_conformance/chapters",
                "vectors/captured": "brrr_conformance/captured",
            }
