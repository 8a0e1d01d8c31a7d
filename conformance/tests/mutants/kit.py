# SPDX-License-Identifier: AGPL-3.0-only
"""What mutants are written with.

    @breaks("SCHED-28")
    class PutsWithEachRun(Worker):
        \"\"\"A child that has a record is put again with each run of its parent.\"\"\"

        def must_put(self, old, parent):
            return True

The class overrides a step of tiny: of Encoder, Decoder, Codec, Brrr (whose `do` sees
every command), Worker, DurableWorker, or of the Adapter itself. It is named after
what it does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapter import Adapter
from codec import Codec
from durable import DurableWorker
from tiny import Brrr, BrrrError, Decoder, Encoder, Worker, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

# Cases that even a mutant should pass, for it to be an SDK at all and no wreck. One of
# the codec has no part in them.
SMOKE = {
    "schedule": "spec.scheduling.1",
    "defer": "spec.scheduling.7",
    "return": "spec.scheduling.12",
}


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    requirement: str
    # What it does wrong, in one sentence.
    about: str
    kind: type
    # Those of SMOKE that fail too, as they must with this defect.
    smoke: frozenset[str]
    # How a case of the requirement ends; anything but `failed` is a wreck's end.
    status: str
    # A part of the ids of cases that are tried before others: they show it soonest.
    first: str

    @property
    def smokes(self) -> dict[str, str]:
        return {} if issubclass(self.kind, Codec) else SMOKE


@dataclass(frozen=True, slots=True)
class Variant:
    """Does what tiny does in another way, and breaks nothing."""

    name: str
    about: str
    kind: type
    # Profiles whose cases it must pass.
    profiles: tuple[str, ...]
    store: str


# What a class may override, the special before the general, and what it is to tiny.
SIDES: dict[type, str] = {
    DurableWorker: "durable",
    Worker: "worker",
    Brrr: "brrr",
    Codec: "codec",
    Encoder: "encoder",
    Decoder: "decoder",
}
CODERS = {"encoder", "decoder"}

MUTANTS: dict[str, Mutant] = {}
VARIANTS: dict[str, Variant] = {}


def breaks(
    requirement: str, *, smoke: str = "", status: str = "failed", first: str = ""
) -> Callable[[type], type]:
    """Declare a mutant; give its class as it is."""

    def declare(kind: type) -> type:
        name = name_of(kind)
        assert name not in MUTANTS, f"two mutants are called {name}"
        broken = frozenset(smoke.split())
        assert broken <= SMOKE.keys(), f"{name}: no smoke case of this name"
        MUTANTS[name] = Mutant(
            name, requirement, about(kind), kind, broken, status, first
        )
        return kind

    return declare


def lawful(*profiles: str, store: str = "redis") -> Callable[[type], type]:
    """Declare a variant; give its class as it is."""

    def declare(kind: type) -> type:
        name = name_of(kind)
        assert name not in VARIANTS, f"two variants are called {name}"
        VARIANTS[name] = Variant(name, about(kind), kind, profiles, store)
        return kind

    return declare


def name_of(kind: type) -> str:
    """Give PutsTwice as puts-twice."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


def about(kind: type) -> str:
    text = kind.__dict__.get("__doc__") or ""
    assert text, f"{kind.__name__} does not say what it does"
    return " ".join(text.split())


def find(name: str) -> list[Mutant] | list[Variant]:
    """Find a mutant, a variant, or a mixture of variants: `this+that`."""
    if name in MUTANTS:
        return [MUTANTS[name]]
    return [VARIANTS[each] for each in name.split("+")]


def make_adapter(kinds: list[type]) -> Adapter:
    """Build tiny's adapter around classes that override some of tiny's."""
    if issubclass(kinds[0], Adapter):
        return kinds[0]()
    parts: dict[str, list[type]] = {}
    for kind in kinds:
        side = next(name for base, name in SIDES.items() if issubclass(kind, base))
        parts.setdefault(side, []).append(kind)
    mixed: dict[str, Any] = {
        side: type("Mixed", tuple(each), {}) for side, each in parts.items()
    }
    coders = {side: mixed.pop(side)() for side in CODERS & mixed.keys()}
    if coders:
        mixed["brrr"] = type("Mixed", (Brrr,), coders)
    own = (kind.adapter for kind in kinds if hasattr(kind, "adapter"))
    adapter: type[Adapter] = next(own, Adapter)
    return adapter(**mixed)


# ---- for the bodies of mutants ----------------------------------------------


def forgive(*requirements: str) -> Any:
    """Make a `refuse` that lets pass what breaks these."""

    def refuse_others(requirement: str, reason: str, **where: int) -> None:
        if requirement not in requirements:
            refuse(requirement, reason, **where)

    return staticmethod(refuse_others)


def is_refusal(error: Exception, requirement: str) -> bool:
    return isinstance(error, BrrrError) and (
        error.details.get("requirement") == requirement
    )


def tolerate(pattern: bytes) -> Any:
    """Make a `no_token` that takes this, where no token stands, for one.

    The first group is an integer, the second a length.
    """
    tolerated = re.compile(pattern)

    def no_token(self: Decoder, data: bytes, at: int) -> re.Match[bytes]:
        found = tolerated.match(data, at)
        return found or Decoder.no_token(self, data, at)

    return no_token
