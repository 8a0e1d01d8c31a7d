# SPDX-License-Identifier: AGPL-3.0-only
"""Every interleaving of a few workers, one command at a time, whatever the SDK.

A scenario is a state of the database, some workers, and what must have become of it
in the end. The tap holds each command until it is chosen to go next; so a run is the
list of choices made, its *schedule*. All schedules that differ in more than the order
of commands which commute are tried, or, where they are too many, as many as the
budget allows.

    effects.py   what a command touches, and when two commute
    order.py     what of a run came before what: happens-before, races, canonical form
    search.py    which schedule next: partial-order reduction, or by chance
    scheduler.py     plays one schedule with real workers and a real Redis
    play.py      one run: what has happened so far, what is on the queues
    handlers.py  what the handlers do
    hands.py     what one worker has under way, and when it is quiescent
    straight.py  the scheduler's own connection to Redis
    scenario.py  what is played
    rules.py     what must hold after every schedule
    words.py     the names of commands, the same in each run
    shrink.py    the schedule with the fewest switches that still fails
    explore.py   all of it together: what a case calls
"""
