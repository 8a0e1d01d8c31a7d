# SPDX-License-Identifier: AGPL-3.0-only
"""A deliberately wrong adapter: does what $PLAN says, command by command.

PLAN is JSON: the name of a command, and a list of actions for it:

    {"reply": {…}}   a reply with the command's id, or with the id given in it
    {"raw": "…"}     this text, as it is
    {"exit": N}, {"kill": N}, {"hang": true}, {"stderr": "…"}
    {"sleep": S}     seconds
    {"flood": N}     octets to standard error
    {"child": FILE}  starts a process that lives on, and writes its number to FILE
    {"wait": true}   for the next command, before the actions that follow

A command without a plan gets the reply that is right. `end` is the end of input.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import time
from typing import Any

RIGHT: dict[str, Any] = {
    "hello": {
        "welcome": {"protocol": 1, "sdk": "mini", "version": "0", "language": "x"}
    },
    "encode": {"encoded": {"octets": ""}},
    "decode": {"decoded": {"reencoded": ""}},
    "open": {"done": {}},
    "schedule": {"done": {}},
    "read": {"found": {}},
    "close": {"done": {}},
}


def act(action: dict[str, Any], number: int) -> None:
    match action:
        case {"reply": reply}:
            print(json.dumps({"id": number, **reply}), flush=True)
        case {"raw": text}:
            print(text, end="", flush=True)
        case {"exit": status}:
            os._exit(status)
        case {"kill": signal}:
            os.kill(os.getpid(), signal)
        case {"hang": _}:
            time.sleep(1000)
        case {"sleep": seconds}:
            time.sleep(seconds)
        case {"flood": octets}:
            sys.stderr.write("x" * octets + "the end")
            sys.stderr.flush()
        case {"stderr": text}:
            print(text, file=sys.stderr, flush=True)
        case {"child": file}:
            sleeper = [sys.executable, "-c", "import time; time.sleep(1000)"]
            child = subprocess.Popen(sleeper, stdin=subprocess.DEVNULL)
            pathlib.Path(file).write_text(str(child.pid))
        case {"wait": _}:
            sys.stdin.readline()
        case _:
            raise ValueError(action)


def main() -> None:
    plan = json.loads(os.environ["PLAN"])
    for line in sys.stdin:
        command = json.loads(line)
        number = command.pop("id")
        name = next(iter(command))
        right = [{"reply": RIGHT[name]}] if name in RIGHT else []
        for action in plan.get(name, right):
            act(action, number)
    for action in plan.get("end", []):
        act(action, 0)


main()
