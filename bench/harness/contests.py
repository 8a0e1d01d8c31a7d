# SPDX-License-Identifier: AGPL-3.0-only
"""All duels: who runs what against whom, and what is to come out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING

from harness.duel import Contest, Duel
from harness.growth import commands_per_child
from harness.machine import (
    LIBTORRENT,
    OUT,
    Measures,
    Peer,
    Redis,
    command,
    measures,
    node_peer,
    program,
    python_sdk,
    typescript_sdk,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DEPTH = 64
CONCURRENCIES = (16, 64, 256)  # among which each peer has its best
LIMIT = 16  # commands per child
SIZES = (100, 400, 1000, 4000)


def per_second(run: Measures) -> float:
    return run["jobs"] / run["seconds"]


def cpu_us(run: Measures) -> float:
    return run["cpu_seconds"] / run["jobs"] * 1e6


def milliseconds(run: Measures) -> float:
    return run["seconds"] * 1e3


def same(run: Measures) -> Measures:
    return run


def codec_of(record: str) -> Measures:
    return measures(program("codec", record, "measure"))


def codec_of_libtorrent(path: Path) -> Measures:
    return measures(command(LIBTORRENT, path))


def item(name: str) -> Callable[[Measures], float]:
    return lambda run: run[name]


@dataclass
class Field:
    """What the duels are fought with. Peers start when they are first wanted."""

    redis: Redis
    quick: bool
    say: Callable[[str], None]
    best: dict[str, int] = field(default_factory=dict)
    started: list[Peer] = field(default_factory=list)

    def close(self) -> None:
        for each in self.started:
            each.close()

    def keep(self, peer: Peer) -> Peer:
        self.started.append(peer)
        return peer

    @cached_property
    def bullmq(self) -> Peer:
        return self.keep(node_peer("bullmq.mjs", self.redis))

    @cached_property
    def beequeue(self) -> Peer:
        return self.keep(node_peer("beequeue.mjs", self.redis))

    @cached_property
    def typescript(self) -> Peer | None:
        peer = typescript_sdk(self.redis)
        return peer and self.keep(peer)

    @cached_property
    def python(self) -> Peer | None:
        peer = python_sdk(self.redis)
        return peer and self.keep(peer)

    def size(self, jobs: int) -> int:
        return jobs // 5 if self.quick else jobs

    # ---- sides ---------------------------------------------------------------

    def ours(self, jobs: int, *, parents: bool = False, depth: int = DEPTH) -> Measures:
        self.redis.load(jobs, parents=parents)
        return measures(program("leaf", self.redis.port, jobs, depth))

    def bare(self, jobs: int, *, parents: bool = False, depth: int = DEPTH) -> Measures:
        self.redis.load(jobs, parents=parents)
        return measures(program("bare", self.redis.port, jobs, depth))

    def graph(self, task: str, n: int, roots: int, depth: int = DEPTH) -> Measures:
        self.redis.clear()
        return measures(program("graph", self.redis.port, depth, task, n, roots))

    def peer_leaf(
        self, peer: Peer, jobs: int, concurrency: int, *, parents: bool = False
    ) -> Measures:
        self.redis.clear()
        return peer.run(do="leaf", count=jobs, concurrency=concurrency, parents=parents)

    def sdk_leaf(self, peer: Peer, jobs: int, concurrency: int) -> Measures:
        self.redis.load(jobs, parents=False)
        return peer.run(do="leaf", count=jobs, concurrency=concurrency)

    def best_of(self, name: str, run: Callable[[int], Measures]) -> int:
        """Warm a peer up with each concurrency, and remember the fastest."""
        if name not in self.best:
            rates = {c: per_second(run(c)) for c in CONCURRENCIES}
            self.best[name] = max(rates, key=lambda c: rates[c])
            shown = ", ".join(f"{c}: {rate:,.0f}" for c, rate in rates.items())
            self.say(f"{name}: jobs/s by concurrency {shown}")
        return self.best[name]


# ---- the duels, each made when it is its turn ------------------------------------


def leaf_bare(f: Field) -> Iterator[Duel]:
    for parents in (False, True):
        name = "leaf with a parent" if parents else "leaf"
        jobs = f.size(50_000 if parents else 100_000)
        yield Duel(
            "bare hiredis loop",
            partial(f.ours, jobs, parents=parents),
            partial(f.bare, jobs, parents=parents),
            (
                Contest(f"{name}: bare loop", "jobs/s", per_second, 0.75),
                Contest(
                    f"{name}: CPU, bare loop",
                    "µs CPU/job",
                    cpu_us,
                    1 / 2,
                    more_is_better=False,
                ),
            ),
            about=f"{jobs} jobs, {DEPTH} in flight",
        )


def leaf_bullmq(f: Field) -> Iterator[Duel]:
    jobs = f.size(20_000)
    concurrency = f.best_of("BullMQ", partial(f.peer_leaf, f.bullmq, jobs))
    for parents, goal in ((False, 6), (True, 4)):
        name = "leaf with a parent" if parents else "leaf"
        yield Duel(
            "BullMQ",
            partial(f.ours, jobs, parents=parents),
            partial(f.peer_leaf, f.bullmq, jobs, concurrency, parents=parents),
            (
                Contest(f"{name}: BullMQ", "jobs/s", per_second, goal),
                Contest(
                    f"{name}: CPU, BullMQ",
                    "µs CPU/job",
                    cpu_us,
                    15,
                    more_is_better=False,
                ),
            ),
            about=f"{jobs} jobs, warm, BullMQ with concurrency {concurrency}",
        )


def leaf_beequeue(f: Field) -> Iterator[Duel]:
    jobs = f.size(20_000)
    concurrency = f.best_of("bee-queue", partial(f.peer_leaf, f.beequeue, jobs))
    yield Duel(
        "bee-queue",
        lambda: f.ours(jobs),
        partial(f.peer_leaf, f.beequeue, jobs, concurrency),
        (Contest("leaf: bee-queue", "jobs/s", per_second, 6),),
        about=f"{jobs} jobs, warm, bee-queue with concurrency {concurrency}",
    )


def leaf_sdk(f: Field) -> Iterator[Duel]:
    for name, peer, jobs, goal in (
        ("TypeScript SDK", f.typescript, f.size(5000), 20),
        ("Python SDK", f.python, f.size(2000), 80),
    ):
        if not peer:
            f.say(f"{name}: not there")
            continue
        best = f.best_of(name, partial(f.sdk_leaf, peer, jobs))
        yield Duel(
            name,
            lambda: f.ours(f.size(50_000)),
            partial(f.sdk_leaf, peer, jobs, best),
            (Contest(f"leaf: {name}", "jobs/s", per_second, goal),),
            about=f"{jobs} jobs of theirs, warm, {best} loops",
        )


def fib_sdk(f: Field) -> Iterator[Duel]:
    roots = 100
    peer = f.typescript
    if not peer:
        f.say("TypeScript SDK: not there")
        return
    concurrency = f.best.get("TypeScript SDK", DEPTH)

    def theirs() -> Measures:
        f.redis.clear()
        return peer.run(do="fib", n=25, roots=roots, concurrency=concurrency)

    yield Duel(
        "TypeScript SDK",
        lambda: f.graph("fib", 25, roots),
        theirs,
        (
            Contest(
                "fib(25) x 100: TypeScript SDK",
                "ms",
                milliseconds,
                15,
                more_is_better=False,
            ),
        ),
        about=f"{roots} disjoint roots, warm, {concurrency} loops of theirs",
    )


def latency(f: Field) -> Iterator[Duel]:
    jobs = f.size(10_000)
    yield Duel(
        "bare hiredis loop",
        lambda: f.ours(jobs, depth=1),
        lambda: f.bare(jobs, depth=1),
        (Contest("leaf, one in flight: bare loop", "jobs/s", per_second, 1.5),),
        about=f"{jobs} jobs, one in flight, pipelined inside the job; ours takes the"
        " next one along with the return of a value (take_ahead)",
    )


def fan_out(f: Field) -> Iterator[Duel]:
    concurrency = f.best.get("BullMQ", DEPTH)
    for children in (300, 1000):
        for how, name in (("flow", "BullMQ flow"), ("spread", "BullMQ at run time")):

            def theirs(do: str = how, count: int = children) -> Measures:
                f.redis.clear()
                return f.bullmq.run(do=do, count=count, concurrency=concurrency)

            theirs()  # warm
            yield Duel(
                name,
                partial(f.graph, "fan", children, 1),
                theirs,
                (
                    Contest(
                        f"fan-out {children}: {name}",
                        "ms",
                        milliseconds,
                        6,
                        more_is_better=False,
                    ),
                ),
                about="until the root's value exists, warm",
            )


def growth(f: Field) -> Iterator[Duel]:
    sizes = SIZES[:3] if f.quick else SIZES
    for task, name in (("fan", "fan-out"), ("chain", "chain")):
        counts = commands_per_child(f.redis, task, sizes)
        shown = ", ".join(f"{n}: {c:.2f}" for n, c in counts.items())
        run = {"most": max(counts.values()), "least": min(counts.values())}
        about = f"children: commands, the worst of concurrency 1 and 64: {shown}"
        yield Duel(
            "itself",
            partial(same, run),
            partial(same, {"limit": LIMIT}),
            (
                Contest(
                    f"{name}: commands per child",
                    "commands",
                    item("most"),
                    1,
                    more_is_better=False,
                    theirs=item("limit"),
                ),
            ),
            about=about,
        )
        yield Duel(
            "itself",
            partial(same, run),
            partial(same, run),
            (
                Contest(
                    f"{name}: growth up to {sizes[-1]}",
                    "commands/child",
                    item("most"),
                    1 / 1.1,
                    more_is_better=False,
                    theirs=item("least"),
                ),
            ),
            about=about,
        )


def codec(f: Field) -> Iterator[Duel]:
    del f
    for record, name, goal in (
        ("message", "ScheduleMessage", 8),
        ("returns", "1 000 PendingReturns", 5),
    ):
        path = OUT / f"{record}.ben"
        path.write_text(program("codec", record, "print"), encoding="ascii")
        yield Duel(
            "libtorrent",
            partial(codec_of, record),
            partial(codec_of_libtorrent, path),
            (
                Contest(
                    f"{name}: libtorrent",
                    "ns",
                    item("turn_ns"),
                    goal,
                    more_is_better=False,
                ),
            ),
            about="decode and encode",
        )
    # One process measures all four, so that a round is one run.
    runs: list[Measures] = []

    def run() -> Measures:
        if runs:
            return runs.pop()
        runs.append(codec_of("call"))
        return runs[0]

    yield Duel(
        "memcpy",
        run,
        run,
        (
            Contest(
                "Call of 1 MiB: memcpy",
                "ns",
                item("turn_ns"),
                1 / 1.2,
                more_is_better=False,
                theirs=item("memcpy_ns"),
            ),
            Contest(
                "Call of 1 MiB: decode, against 1 KiB",
                "ns",
                item("decode_ns"),
                0.8,
                more_is_better=False,
                theirs=item("small_decode_ns"),
            ),
        ),
        about="decode and encode; decode alone",
    )


ALL: tuple[Callable[[Field], Iterator[Duel]], ...] = (
    leaf_bare,
    leaf_bullmq,
    leaf_beequeue,
    leaf_sdk,
    fib_sdk,
    latency,
    fan_out,
    growth,
    codec,
)
