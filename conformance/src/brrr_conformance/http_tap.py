# SPDX-License-Identifier: AGPL-3.0-only
"""The tap on DynamoDB: a proxy between one adapter process and it, over HTTP.

What the Tap is for Redis: each request is shown to the director before it goes,
and it and its answer are noted in the same Trace.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from brrr_conformance import request
from brrr_conformance.outcome import HarnessError
from brrr_conformance.tap import Answer, PassAll, Trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    import aiohttp

    from brrr_conformance.resp import Reply
    from brrr_conformance.step import Step
    from brrr_conformance.tap import Director

TARGET = "X-Amz-Target"
# Numbers of connections, apart from those to Redis.
FIRST = 1000
REFUSED = 400
JSON = "application/x-amz-json-1.0"
# Of one connection, not of the message; and what the client library sets itself.
OWN = {"connection", "content-length", "keep-alive", "transfer-encoding"}
# Nothing may be added that the SDK did not send.
NO_HEADERS = (hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE)


@dataclass(slots=True)
class HttpTap:
    url: str
    session: aiohttp.ClientSession
    worker: str = ""
    trace: Trace = field(default_factory=Trace)
    director: Director = field(default_factory=PassAll)
    # Requests whose answer is still to come.
    under_way: int = 0
    _numbers: dict[asyncio.BaseTransport | None, int] = field(default_factory=dict)
    _handlers: web.Server | None = None
    _server: asyncio.Server | None = None

    # ---- life ---------------------------------------------------------------

    async def start(self) -> int:
        """Listen; give the port."""
        self._handlers = web.Server(self._handle)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._handlers, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def attach(self, worker: str, trace: Trace, director: Director) -> None:
        """From now on, what passes belongs to this trace."""
        self.worker, self.trace, self.director = worker, trace, director

    async def drop(self) -> None:
        """Close all connections."""
        if self._handlers is not None:
            # Not by its shutdown: that waits for clients that keep connections.
            for connection in self._handlers.connections:
                if connection.transport is not None:
                    connection.transport.abort()
        self._numbers.clear()

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        await self.drop()

    # ---- requests -----------------------------------------------------------

    async def _handle(self, asked: web.BaseRequest) -> web.StreamResponse:
        trace = self.trace
        self.under_way += 1
        try:
            return await self._pass(asked, trace)
        except ConnectionError:  # of a hook: nobody gets an answer
            if asked.transport is not None:
                asked.transport.abort()
            return web.Response()
        except Exception as error:
            trace.fail(HarnessError(f"tap of {self.worker} on DynamoDB: {error!r}"))
            raise
        finally:
            self.under_way -= 1
            trace.touch()

    async def _pass(self, asked: web.BaseRequest, trace: Trace) -> web.StreamResponse:
        body = await asked.content.read()
        number = self._numbers.setdefault(asked.transport, FIRST + len(self._numbers))
        step = request.step_of(asked.headers.get(TARGET, ""), body)
        goes = await self.director.admit(self.worker, number, step)
        if isinstance(goes, Answer):
            trace.add(self.worker, number, step)
            body = json.dumps({"__type": f"{request.API}#{goes.error}"}).encode()
            answer = web.Response(status=REFUSED, body=body, content_type=JSON)
            reply = request.reply_of(REFUSED, body)
        else:
            step = goes
            trace.add(self.worker, number, step)
            answer, reply = await self._forward(asked, step)
        # The client gets the answer of the database, or none.
        await self.director.release(self.worker, number, step, reply)
        trace.add(self.worker, number, step, reply)
        return answer

    async def _forward(
        self, asked: web.BaseRequest, step: Step
    ) -> tuple[web.Response, Reply]:
        async with self.session.request(
            asked.method,
            self.url.rstrip("/") + asked.path_qs,
            data=step.args[-1],
            headers=_passed(asked.headers),
            skip_auto_headers=NO_HEADERS,
        ) as answer:
            octets = await answer.read()
            passed = web.Response(status=answer.status, body=octets)
            passed.headers.clear()
            passed.headers.extend(_passed(answer.headers))
            return passed, request.reply_of(answer.status, octets)


def _passed(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [each for each in headers.items() if each[0].lower() not in OWN]
