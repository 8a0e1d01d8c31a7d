# SPDX-License-Identifier: AGPL-3.0-only
"""What the handlers do: answers by call_hash, given in the runner.

{"p": [defer("c"), response(b"v")],     # first this, then that
 "c": response(b"1"),                   # always this
 "q": gather("c", "d", then=b"".join)}  # as an SDK's gather would
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from brrr_conformance.build import ask, defer, response
from brrr_conformance.pb import adapter_pb2 as pb

Answer: TypeAlias = pb.Answer
# Reads a value straight from the store.
Lookup: TypeAlias = Callable[[str], Awaitable[bytes | None]]


@dataclass(frozen=True, slots=True)
class Call:
    """An invocation, as a handler of a script sees it."""

    worker: str
    topic: str
    call_hash: str
    task: str
    payload: bytes
    lookup: Lookup


Handler: TypeAlias = Callable[[Call], Answer | Awaitable[Answer]]
Rule: TypeAlias = "Answer | Handler | Sequence[Answer | Handler]"
Script: TypeAlias = "Mapping[str, Rule]"


class UnexpectedInvocation(AssertionError):
    """The script has no answer (any more) for this call."""


@dataclass(slots=True)
class Actors:
    """A script being played."""

    rules: dict[str, Rule] = field(default_factory=dict)
    played: dict[str, int] = field(default_factory=dict)

    def learn(self, script: Script) -> None:
        self.rules.update(script)

    async def answer(self, call: Call) -> Answer:
        answer = self._next(call)
        if isinstance(answer, pb.Answer):
            return answer
        result = answer(call)
        return result if isinstance(result, pb.Answer) else await result

    def unplayed(self) -> dict[str, int]:
        """Count the answers of a sequence that nobody has asked for."""
        left = {
            name: len(rule) - self.played.get(name, 0)
            for name, rule in self.rules.items()
            if isinstance(rule, Sequence)
        }
        return {name: number for name, number in left.items() if number > 0}

    def _next(self, call: Call) -> Answer | Handler:
        number = self.played.get(call.call_hash, 0)
        self.played[call.call_hash] = number + 1
        rule = self.rules.get(call.call_hash)
        if rule is None:
            raise UnexpectedInvocation(
                f"the handler was invoked for {call.call_hash!r}, which nobody "
                "has scheduled"
            )
        if not isinstance(rule, Sequence):
            return rule
        if number >= len(rule):
            raise UnexpectedInvocation(
                f"the handler was invoked for {call.call_hash!r} a "
                f"{number + 1}th time: at most {len(rule)} were due"
            )
        return rule[number]


def gather(
    *children: pb.Ask | str, then: Callable[[list[bytes]], bytes] = b",".join
) -> Handler:
    """Need these calls all at once, as an SDK's gather does."""
    asks = [ask(each) if isinstance(each, str) else each for each in children]

    async def handler(call: Call) -> Answer:
        values = [await call.lookup(each.call_hash) for each in asks]
        missing = [
            each for each, found in zip(asks, values, strict=True) if found is None
        ]
        if missing:
            return defer(*missing)
        return response(then([found for found in values if found is not None]))

    return handler


def sequence(
    *children: pb.Ask | str, then: Callable[[list[bytes]], bytes] = b",".join
) -> Handler:
    """Need these calls one after the other, as a task that calls them does."""
    asks = [ask(each) if isinstance(each, str) else each for each in children]

    async def handler(call: Call) -> Answer:
        values = []
        for each in asks:
            found = await call.lookup(each.call_hash)
            if found is None:
                return defer(each)
            values.append(found)
        return response(then(values))

    return handler
