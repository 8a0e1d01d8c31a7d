# SPDX-License-Identifier: AGPL-3.0-only
"""Puts the specification into the wheel: the runner quotes and runs it."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SpecHook(BuildHookInterface):  # type: ignore[type-arg]
    """Maps ../spec to brrr_conformance/chapters, except in an editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            build_data["force_include"]["../spec"] = "brrr_conformance/chapters"
