# SPDX-License-Identifier: AGPL-3.0-only
"""Stands in for an adapter whose SDK is not installed: says so to every command.

Arguments: the SDK's language, the variable that names where it is installed.
"""

from __future__ import annotations

import json
import sys

language, variable = sys.argv[1:]
reason = f"SDK not installed: set {variable}"
print(reason, file=sys.stderr)
welcome = {"protocol": 1, "sdk": "brrr", "version": reason, "language": language}
failure = {"code": "NOT_IMPLEMENTED", "reason": reason}

for line in sys.stdin.buffer:
    command = json.loads(line)
    reply = {"welcome": welcome} if "hello" in command else {"failure": failure}
    print(json.dumps({"id": command["id"]} | reply), flush=True)
