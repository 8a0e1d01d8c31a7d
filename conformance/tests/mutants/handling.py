# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of spec/scheduling.md: the handling of a message."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress

from tiny import BrrrError, ScheduleMessage, Worker

from mutants.kit import breaks


class HandlesOtherwise(Worker):
    """Has another way when a handling has failed in this one."""

    code = ""

    async def handle(self, message):
        try:
            await super().handle(message)
        except BrrrError as error:
            if error.code != self.code:
                raise
            await self.failed(message, error)

    async def failed(self, message, error):
        """Say nothing."""


class PollsOtherwise(Worker):
    """Has another way when a number of long polls in a row have brought nothing."""

    most, polls = 1, 0

    async def get(self):
        message = await super().get()
        self.polls = 0 if message else self.polls + 1
        if self.polls >= self.most and not self.stopped:
            self.enough()
        return message

    def enough(self):
        self.stopped = True


@breaks("WORK-1")
class EndsWithoutMessages(PollsOtherwise):
    """A worker ends when a long poll has brought nothing."""


@breaks("WORK-1")
class WaitsFiveTimes(PollsOtherwise):
    """A worker ends when five long polls in a row have brought nothing."""

    most = 5


@breaks("WORK-1")
class ReportsEmptyPolls(PollsOtherwise):
    """A long poll that has brought nothing is reported as a failure of the queue."""

    def enough(self):
        raise BrrrError("BACKEND", "no message")


@breaks("WORK-2")
class GivesText(Worker):
    """A handler is given the payload as text, and what is no text is replaced."""

    async def invoke(self, job, call):
        text = call.payload.decode(errors="replace").encode()
        return await super().invoke(job, call._replace(payload=text))


@breaks("WORK-2")
class GivesCanonicalJson(Worker):
    """A handler is given the payload as its JSON is written anew."""

    async def invoke(self, job, call):
        with suppress(ValueError):
            call = call._replace(payload=json.dumps(json.loads(call.payload)).encode())
        return await super().invoke(job, call)


@breaks("WORK-2")
class GivesStrippedNames(Worker):
    """A handler is given the task_name without white space around it."""

    async def invoke(self, job, call):
        return await super().invoke(
            job, call._replace(task_name=call.task_name.strip())
        )


@breaks("WORK-2")
class RemembersCalls(Worker):
    """A handler is given the call that was read the first time."""

    def __init__(self, *args):
        super().__init__(*args)
        self.calls = {}

    async def invoke(self, job, call):
        return await super().invoke(job, self.calls.setdefault(job.call_hash, call))


@breaks("WORK-3", smoke="defer return")
class HandlesTwice(Worker):
    """Each message is handled twice."""

    async def handle(self, message):
        await super().handle(message)
        await super().handle(message)


@breaks("WORK-3")
class TriesHandlersAgain(Worker):
    """A handler that fails is invoked again."""

    async def invoke(self, job, call):
        try:
            return await super().invoke(job, call)
        except BrrrError:
            return await super().invoke(job, call)


@breaks("WORK-3")
class InvokesAgainAfterAMismatch(Worker):
    """After a mismatch the whole handling begins anew."""

    attempts = 1

    async def handle(self, message):
        for _ in range(100):
            try:
                return await super().handle(message)
            except BrrrError as error:
                if error.code != "CAS_EXHAUSTED":
                    raise
        raise BrrrError("CAS_EXHAUSTED", "100 attempts")


@breaks("WORK-4")
class DropsWhatIsNoMessage(HandlesOtherwise):
    """What is no message is dropped in silence."""

    code = "REFUSED"


@breaks("WORK-4")
class DropsEmptyMessages(Worker):
    """A message of no octets is taken for none."""

    async def handle(self, message):
        if message:
            await super().handle(message)


@breaks("WORK-4")
class PutsBackWhatIsNoMessage(HandlesOtherwise):
    """What is no message is put on another list."""

    code = "REFUSED"

    async def failed(self, message, error):
        await self.brrr.do("RPUSH", "refused", message)
        raise error


@breaks("WORK-4", status="crashed", first="message_is_none[text]")
class DiesOfAMessage(Worker):
    """The process ends at what is no message."""

    async def handle(self, message):
        if not message.startswith(b"l"):
            os.abort()
        await super().handle(message)


@breaks("WORK-4", status="timed out", first="message_is_none[text]")
class HangsAtAMessage(Worker):
    """A worker does nothing more after what is no message."""

    async def handle(self, message):
        if not message.startswith(b"l"):
            time.sleep(60)  # noqa: ASYNC251 - that is the defect
        await super().handle(message)


@breaks("WORK-5")
class DropsMessagesWithoutCall(HandlesOtherwise):
    """A message whose call is absent is dropped in silence."""

    code = "CALL_MISSING"


@breaks("WORK-5")
class PutsBackMessagesWithoutCall(HandlesOtherwise):
    """A message whose call is absent is put on another topic."""

    code = "CALL_MISSING"

    async def failed(self, message, error):
        await self.brrr.do("RPUSH", "later", message)
        raise error


@breaks("WORK-5")
class AnswersForMissingCalls(HandlesOtherwise):
    """A call that is absent gets a value of no octets."""

    code = "CALL_MISSING"

    async def failed(self, message, error):
        job = self.decoder.decode(ScheduleMessage, message)
        await self.brrr.do("SET", f"value/{job.call_hash}", b"")
        raise error


@breaks("WORK-6")
class DropsHandlersThatFail(HandlesOtherwise):
    """A handler that fails is passed over in silence."""

    code = "HANDLER_FAILED"


@breaks("WORK-6")
class WritesErrorsAsValues(HandlesOtherwise):
    """The error of a handler becomes the value."""

    code = "HANDLER_FAILED"

    async def failed(self, message, error):
        job = self.decoder.decode(ScheduleMessage, message)
        await self.brrr.do("SET", f"value/{job.call_hash}", str(error))
        raise error


@breaks("WORK-6")
class ForgetsParentsOfAFailure(HandlesOtherwise):
    """The record of who waits is removed when the handler fails."""

    code = "HANDLER_FAILED"

    async def failed(self, message, error):
        job = self.decoder.decode(ScheduleMessage, message)
        await self.brrr.do("DEL", f"pending_returns/{job.call_hash}")
        raise error


@breaks("WORK-6")
class PutsFailuresAgain(HandlesOtherwise):
    """A message whose handler failed is put again, once."""

    code = "HANDLER_FAILED"
    again = False

    async def failed(self, message, error):
        if not self.again:
            self.again = True
            await self.brrr.do("RPUSH", self.topic, message)
        raise error


@breaks("WORK-7")
class EndsAfterAnyReport(Worker):
    """A worker ends after a report, whatever its user has chosen."""

    async def handle(self, message):
        try:
            await super().handle(message)
        except BrrrError as error:
            await self.report(error)
            raise RuntimeError("the end") from error


@breaks("WORK-7")
class GoesOnAfterAnyReport(Worker):
    """A worker takes the next message after a report, whatever its user has chosen."""

    async def run(self):
        try:
            await super().run()
        except BrrrError:
            self.line = self.brrr.redis.client()
            self.client_id = 0
            await super().run()


@breaks("WORK-7")
class TakesAMessageTooMany(Worker):
    """A worker takes the next message while one is handled, and loses it at its end."""

    next = None

    async def get(self):
        message = self.next or await super().get()
        if message:
            self.next = await self.brrr.do("LPOP", self.topic)
        return message


@breaks("WORK-12", first="closing")
class DropsWhatComesAtItsEnd(Worker):
    """A worker that is being stopped drops a message that it is given even so."""

    async def take(self, message):
        if not self.stopped:
            await super().take(message)


@breaks("WORK-7")
class DropsTheConnectionAtItsEnd(Worker):
    """A worker that stops drops its pop, and what that was bringing."""

    async def stop(self):
        message = await self.brrr.do("LPOP", self.topic)
        if message is None:
            await super().stop()
            return
        self.stopped = True
        await self.line.aclose()
