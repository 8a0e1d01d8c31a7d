# SPDX-License-Identifier: AGPL-3.0-only
"""What the server's statistics say about a worker."""

from __future__ import annotations

from harness.growth import sent

STATS = """# Commandstats
cmdstat_get:calls=7,usec=1,usec_per_call=0.1
cmdstat_eval:calls=2,usec=9
cmdstat_del:calls=1,usec=9
cmdstat_client|id:calls=1,usec=9
cmdstat_config|resetstat:calls=1,usec=9
cmdstat_blpop:calls=3,usec=9
"""


def test_what_scripts_do_is_not_sent() -> None:
    # Two of the GETs, and the DEL, are of the scripts.
    assert sent(STATS) == 5 + 2 + 3
