# SPDX-License-Identifier: AGPL-3.0-only
"""Two checks of the layers, as the heads of the files in ref/src/ name them.

check_layers.py includes SRC            includes only go down
check_layers.py symbols SRC NM OBJ...   what is pure calls nothing impure

A file's head says its layer, as in `buf.c - L0: ...`. A file includes only what
stands in its own layer or below. In L6, where the add-ons are, it includes no
other add-on, but for what it shares. The objects of L0 to L4 call each other,
functions of libc for memory and strings, and what a sanitizer adds; no I/O, no
clock, no randomness.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HEAD = re.compile(r"^ \* (\S+) - L(\d)", re.MULTILINE)
INCLUDE = re.compile(r'^#include ["<]([^">]+)[">]', re.MULTILINE)

PURE = 4
ADD_ON = 6
# brrr.h belongs to all layers; the public header of an add-on is part of it.
PUBLIC = {
    "brrr/brrr.h": 0,
    "brrr/memory.h": 5,
    "brrr/local.h": 5,
    "brrr/json.h": 6,
    "brrr/redis.h": 6,
    "brrr/aws.h": 6,
    "brrr/dynamodb.h": 6,
    "brrr/sqs.h": 6,
    "brrr/worker.h": 6,
    "brrr/connect.h": 7,
}
# What an add-on shares with another.
SHARED = {"dynamodb": "aws", "sqs": "aws"}

ALLOWED = re.compile(
    r"mem(cpy|cmp|move|set|chr)|str(len|cmp|ncmp|chr)|realloc|free|__assert_fail"
    r"|__(asan|tsan|ubsan|sanitizer)_\w+|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_"
)


def layers(src: Path) -> dict[str, int]:
    """The layer of each file and public header."""
    found = dict(PUBLIC)
    for path in sorted(src.glob("*.[ch]")):
        head = HEAD.search(path.read_text("utf-8"))
        if not head or head[1] != path.name:
            sys.exit(f"{path.name}: the head names no layer")
        found[path.name] = int(head[2])
    return found


def add_on(name: str) -> str:
    """The add-on that an L6 file belongs to: redis_url.c is of redis."""
    return re.split(r"[_.]", name.removeprefix("brrr/"))[0]


def may_include(path: str, name: str) -> bool:
    mine, other = add_on(path), add_on(name)
    return other in (mine, SHARED.get(mine))


def check_includes(src: Path) -> list[str]:
    layer = layers(src)
    problems = []
    for path in sorted(src.glob("*.[ch]")):
        for name in INCLUDE.findall(path.read_text("utf-8")):
            if name not in layer:
                continue  # of the system or of a library
            edge = f"{path.name} (L{layer[path.name]}) includes {name} (L{layer[name]})"
            if layer[name] > layer[path.name]:
                problems.append(f"{edge}: upwards")
            elif layer[path.name] == ADD_ON == layer[name] and not may_include(
                path.name, name
            ):
                problems.append(f"{edge}: another add-on")
    return problems


def symbols(nm: str, path: Path, option: str) -> set[str]:
    listed = subprocess.run(
        [nm, option, "--format=posix", path], check=True, capture_output=True, text=True
    )
    return {line.split()[0] for line in listed.stdout.splitlines()}


def check_symbols(src: Path, nm: str, objects: list[Path]) -> list[str]:
    layer = layers(src)
    pure = [o for o in objects if layer.get(o.name.removesuffix(".o"), 9) <= PURE]
    if not pure:
        sys.exit("no object of a pure layer: nothing is checked")
    defined = set().union(*(symbols(nm, o, "--defined-only") for o in pure))
    return [
        f"{path.name} calls {name}"
        for path in pure
        for name in sorted(symbols(nm, path, "--undefined-only") - defined)
        if not ALLOWED.fullmatch(name)
    ]


def main() -> None:
    check, src, *rest = sys.argv[1:]
    if check == "includes":
        problems = check_includes(Path(src))
    elif check == "symbols":
        problems = check_symbols(Path(src), rest[0], [Path(o) for o in rest[1:]])
    else:
        sys.exit(__doc__)
    sys.exit("\n".join(problems) or 0)


if __name__ == "__main__":
    main()
