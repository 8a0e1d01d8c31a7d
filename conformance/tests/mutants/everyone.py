# SPDX-License-Identifier: AGPL-3.0-only
"""All mutants and all variants."""

from __future__ import annotations

# Each declares its own.
from mutants import (  # noqa: F401
    backends,
    cheap,
    codec_decoders,
    codec_encoders,
    deferring,
    durable_queue,
    durable_redis,
    failing,
    handling,
    lawful,
    mending,
    on_dynamodb,
    on_redis,
    records_decoders,
    records_encoders,
    registering,
    returning,
    scheduling,
    sharing,
    subtle,
    wire_encoders,
    wire_tokens,
    wire_values,
)
from mutants.kit import MUTANTS, VARIANTS
from mutants.lawful import MIXTURES

__all__ = ["MIXTURES", "MUTANTS", "VARIANTS"]
