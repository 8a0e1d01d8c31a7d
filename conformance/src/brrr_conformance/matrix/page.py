# SPDX-License-Identifier: AGPL-3.0-only
"""The matrix as a page, of its report in JSON."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from brrr_conformance.matrix.golden import SPEC
from brrr_conformance.matrix.hashes import letters
from brrr_conformance.outcome import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SHOWN = 80


def matrix_data(report: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the template is to know."""
    names = [each["name"] for each in report["adapters"]]
    pairs: defaultdict[tuple[str, str], Any] = defaultdict(lambda: None)
    pairs |= {(it["caller"], it["callee"]): it for it in report["pairs"]}
    records: defaultdict[tuple[str, str], Any] = defaultdict(lambda: None)
    for each in report["records"]:
        records[each["writer"], each["reader"]] = {**each, "numbers": _numbers(each)}
    calls = [_call(each, report["codec"]) for each in report["codec"]["calls"]]
    differ = [each for each in calls if len(set(each["letters"])) > 1]
    return {
        "names": names,
        "readers": [SPEC, *names],
        "pairs": pairs,
        "records": records,
        "codec": [("Calls that differ", differ), ("All calls", calls)],
        "troubles": sorted(_troubles(report), key=lambda it: not it["fails"]),
    }


def cells_of(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give all that was judged: each has an id, a status and a message."""
    fleet = [report["fleet"]] if report.get("fleet") else []
    codec = report.get("codec", {}).get("adapters", [])
    others = [*report.get("records", []), *codec, *fleet, *report.get("storms", [])]
    return [*report["pairs"], *others]


def _troubles(report: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for each in cells_of(report):
        status = Status(each["status"])
        if status is not Status.PASSED:
            yield {**each, "fails": status.is_failure}


def _numbers(reading: Mapping[str, Any]) -> str:
    kinds = reading["kinds"].values()
    agreed, total = (sum(it[name] for it in kinds) for name in ("agreed", "total"))
    return f"{agreed}/{total}" if total else ""


def _call(call: Mapping[str, Any], codec: Mapping[str, Any]) -> dict[str, Any]:
    adapters = [each["adapter"] for each in codec["adapters"]]
    digests = [call["due"], *(call["hashes"].get(name, "") for name in adapters)]
    shown = f"{call['task']} {call['args']}"
    shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
    return {"name": call["name"], "shown": shown, "letters": letters(digests)}
