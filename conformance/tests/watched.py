# SPDX-License-Identifier: AGPL-3.0-only
"""A page in a browser that is watched, for the tests of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser

DESKTOP = {"width": 1280, "height": 900}


class Watched:
    """A page that tells what it must not do."""

    def __init__(self, browser: Browser, address: str, **context: Any) -> None:
        self.context = browser.new_context(**{"viewport": DESKTOP, **context})
        self.page = self.context.new_page()
        self.troubles: list[str] = []
        self.page.on("console", lambda it: self.troubles.append(it.text))
        self.page.on("pageerror", lambda it: self.troubles.append(str(it)))
        self.page.on("dialog", lambda it: self.troubles.append(it.message))
        self.page.on("request", lambda it: self._requested(it.url))
        self.address = address
        self.page.goto(address)

    def _requested(self, url: str) -> None:
        if url.partition("#")[0] != self.address and not url.startswith("data:"):
            self.troubles.append(f"requested {url}")

    def end(self) -> None:
        self.context.close()
        assert self.troubles == []
