# SPDX-License-Identifier: AGPL-3.0-only
"""Codec agreement: one list of calls, and the call_hash that each SDK gives them.

Who claims the JSON codec has to hash as it does [CODEC-3]. The others may have a codec
of their own; where they agree all the same is shown, and never counts as passed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from brrr_conformance import deviation, jcs
from brrr_conformance.config import Profile
from brrr_conformance.matrix.samples import CALLS
from brrr_conformance.outcome import CaseFailed, CommandFailed, NotImplementedByAdapter
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.report import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from brrr_conformance.config import AdapterConfig
    from brrr_conformance.matrix.arena import Arena
    from brrr_conformance.world import World

SECONDS = 60.0
REQUIREMENTS = ("CODEC-1", "CODEC-2", "CODEC-3")
SHOWN = 100


@dataclass(frozen=True, slots=True)
class Hashed:
    """What an SDK makes of a call: without a hash, it refuses it."""

    call_hash: str = ""
    payload: bytes = b""
    refused: str = ""

    @property
    def digest(self) -> str:
        return self.call_hash or "refused"


@dataclass(slots=True)
class Hasher:
    """An SDK, and what it makes of each call of CALLS."""

    adapter: str
    outcome: Outcome
    # Whether it claims the JSON codec.
    claims: bool
    hashes: dict[str, Hashed] = field(default_factory=dict)

    @property
    def agreed(self) -> int:
        return sum(it.digest == due(name).digest for name, it in self.hashes.items())

    @property
    def others(self) -> list[str]:
        """Name the calls that it hashes in another way than the JSON codec."""
        return [
            name
            for name, it in self.hashes.items()
            if it.digest != due(name).digest
            or (self.claims and it.payload != due(name).payload)
        ]


def due(name: str) -> Hashed:
    """Give what the JSON codec makes of a call."""
    task, text = CALLS[name]
    try:
        args = jcs.decode(text.encode())
        return Hashed(jcs.call_hash(task, args), jcs.encode(args).encode())
    except jcs.Refused as refused:
        return Hashed(refused=str(refused))


async def play_hashes(arena: Arena, adapters: Sequence[AdapterConfig]) -> list[Hasher]:
    return [
        await _hash(arena, adapter)
        for adapter in adapters
        if arena.wants(cell_id(adapter))
    ]


def cell_id(adapter: AdapterConfig) -> str:
    return f"{deviation.MATRIX}codec.{adapter.name}"


async def _hash(arena: Arena, config: AdapterConfig) -> Hasher:
    claims = Profile.CODEC_JSON in config.profiles
    outcome = Outcome(cell_id(config), config.name, REQUIREMENTS)
    hasher = Hasher(config.name, outcome, claims)

    async def scene(_: World) -> None:
        if not {Profile.CODEC_JSON, Profile.PROGRAM} & config.profiles:
            raise NotImplementedByAdapter(f"{config.name} has no codec for tasks")
        adapter = await arena.shelf.take(config)
        for name, (task, text) in CALLS.items():
            args = pb.Json(text=text.encode())
            try:
                encoded = await adapter.encode_call(task, args)
            except CommandFailed as error:
                hasher.hashes[name] = Hashed(refused=str(error))
            else:
                hasher.hashes[name] = Hashed(encoded.call_hash, encoded.payload)
        if claims and hasher.others:
            lines = [_complain(name, hasher.hashes[name]) for name in hasher.others]
            raise CaseFailed("\n".join([f"{len(lines)} calls differ", *lines]))
        if not claims:
            raise NotImplementedByAdapter(
                f"a codec of its own, which hashes {hasher.agreed} of {len(CALLS)} "
                "calls as the JSON codec does"
            )

    hasher.outcome = await arena.play(
        outcome, [config], scene, SECONDS, needs=(), wire=False
    )
    return hasher


def _complain(name: str, got: Hashed) -> str:
    task, text = CALLS[name]
    right = due(name)
    said = f"{name}: {task} {text}"[:SHOWN]
    return (
        f"{said} is {got.digest} {got.payload[:SHOWN]!r}{got.refused}, "
        f"not {right.digest} {right.payload[:SHOWN]!r}{right.refused}"
    )


def differing(hashers: Sequence[Hasher]) -> list[str]:
    """Name the calls that two SDKs, or an SDK and the JSON codec, hash differently."""
    told = [each.hashes for each in hashers if each.hashes]
    return [
        name
        for name in CALLS
        if any(hashes[name].digest != due(name).digest for hashes in told)
    ]


def letters(digests: list[str]) -> list[str]:
    """Name hashes by letters, in the order in which they come; no hash is `-`."""
    known = dict.fromkeys(each for each in digests if each not in ("", "refused"))
    names = {digest: chr(ord("A") + at) for at, digest in enumerate(known)}
    return [names.get(each, each or "-") for each in digests]
