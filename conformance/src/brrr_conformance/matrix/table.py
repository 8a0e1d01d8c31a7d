# SPDX-License-Identifier: AGPL-3.0-only
"""The matrix as a report in JSON, of which the page is made; README.md describes it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from brrr_conformance.matrix.hashes import due
from brrr_conformance.matrix.samples import CALLS
from brrr_conformance.outcome import Status
from brrr_conformance.report import SCHEMA, describe_adapter

if TYPE_CHECKING:
    from brrr_conformance.matrix.fleet import Fleet
    from brrr_conformance.matrix.golden import Reading
    from brrr_conformance.matrix.hashes import Hasher
    from brrr_conformance.matrix.play import Matrix
    from brrr_conformance.matrix.storm import Storm
    from brrr_conformance.report import Outcome

SHOWN = 400


def make_table(matrix: Matrix) -> dict[str, Any]:
    counts = Counter(each.status for each in matrix.outcomes)
    return {
        "schema": SCHEMA,
        "kind": "matrix",
        "run": {
            "runner": version("brrr-conformance"),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "store": str(matrix.terms.store),
            "seed": matrix.terms.seed,
        },
        "adapters": [
            describe_adapter(each, matrix.welcomes.get(each.name))
            for each in matrix.adapters
        ],
        "pairs": [
            {"caller": cell.caller, "callee": cell.callee, **_of(cell.outcome)}
            for cell in matrix.pairs
        ],
        "records": [_reading(each) for each in matrix.records],
        "codec": _codec(matrix.hashers),
        "fleet": _fleet(matrix.fleet),
        "storms": [_storm(each) for each in matrix.storms],
        "summary": {
            **{status.value: counts[status] for status in Status},
            "total": len(matrix.outcomes),
            "failures": len(matrix.failures),
            "seconds": round(matrix.seconds, 3),
        },
    }


def _of(outcome: Outcome) -> dict[str, Any]:
    return {
        "id": outcome.id,
        "status": str(outcome.status),
        "message": outcome.message,
        "seconds": round(outcome.seconds, 3),
    }


def _reading(reading: Reading) -> dict[str, Any]:
    return {
        "writer": reading.writer,
        "reader": reading.reader,
        "kinds": {
            kind: {"agreed": reading.agreed[kind], "total": total}
            for kind, total in reading.total.items()
        },
        "disagreements": [
            {
                "kind": each.kind,
                "name": each.name,
                "octets": each.octets[:SHOWN].hex(),
                "length": len(each.octets),
                "said": each.said,
            }
            for each in reading.disagreements
        ],
        **_of(reading.outcome),
    }


def _codec(hashers: list[Hasher]) -> dict[str, Any]:
    return {
        "adapters": [
            {
                "adapter": each.adapter,
                "claims": each.claims,
                "agreed": each.agreed,
                "others": each.others,
                **_of(each.outcome),
            }
            for each in hashers
        ],
        "calls": [
            {
                "name": name,
                "task": task,
                "args": text[:SHOWN],
                "length": len(text),
                "due": due(name).digest,
                "hashes": {
                    each.adapter: each.hashes[name].digest
                    for each in hashers
                    if name in each.hashes
                },
            }
            for name, (task, text) in CALLS.items()
        ],
    }


def _fleet(fleet: Fleet | None) -> dict[str, Any] | None:
    if fleet is None:
        return None
    return {
        "adapters": list(fleet.adapters),
        "graphs": fleet.graphs,
        "seed": fleet.seed,
        "calls": fleet.calls,
        "messages": fleet.messages,
        "handled": fleet.handled,
        **_of(fleet.outcome),
    }


def _storm(storm: Storm) -> dict[str, Any]:
    return {
        "adapters": list(storm.adapters),
        "delivery": storm.delivery,
        "calls": storm.calls,
        "roots": storm.roots,
        "finished": storm.finished,
        "faults": [
            {"what": each.what, "step": each.step, "nth": each.nth}
            for each in storm.faults
        ],
        **_of(storm.outcome),
    }
