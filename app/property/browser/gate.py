"""Which requests of a page go out, and how many at once.

The page's own document is answered with what was fetched for it. Scripts and the data that they ask for may pass, one
at a time where the document came from, since all that belongs to a page counts as one visit there. Nothing else is
needed to draw a page: pictures, fonts, frames, sockets, beacons and downloads are dropped.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import urlsplit

from playwright.async_api import Error, Request, Route

#: kinds as Playwright names them (https://playwright.dev/python/docs/api/class-request#request-resource-type)
_PASSED = frozenset({"script", "xhr", "fetch"})
_METHODS = frozenset({"GET", "HEAD", "POST"})
#: a request that hangs holds the others up for so long at most
_HOLDS_SECONDS = 5.0
_HTTP = re.compile(r"https?://", re.IGNORECASE)


class Gate:
    """Decides over the requests of one page. `ask` tells whether a URL may be asked for (robots.txt)."""

    def __init__(
        self,
        *,
        url: str,
        document: Callable[[Route], Awaitable[None]],
        ask: Callable[[str], Awaitable[bool]],
        most_requests: int,
        places: int,
    ) -> None:
        self._url = url
        self._host = urlsplit(url).hostname
        self._document = document
        self._ask = ask
        self._left = most_requests
        self._places = places
        self._slots: dict[str | None, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(places))
        self._slots[self._host] = asyncio.Semaphore(1)
        self._held: dict[Request, Callable[[], None]] = {}
        self._waiting = 0
        self._answered = False
        self._last_change = time.monotonic()
        self.dropped: dict[str, int] = defaultdict(int)
        self.passed = 0
        #: where the page itself went on to
        self.onward: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def quiet_seconds(self) -> float:
        """For how long nothing has been under way; 0 while something is."""
        return 0.0 if self._held or self._waiting else time.monotonic() - self._last_change

    async def handle(self, route: Route, request: Request) -> None:
        """Answer, pass or drop a request: the handler for all of the page's context."""
        with suppress(Error):  # the page is gone
            if request.is_navigation_request():
                await self._navigate(route, request)
            elif request.resource_type == "stylesheet":
                # scripts wait for their sheets, and nothing depends on what is in them
                await route.fulfill(
                    status=200, content_type="text/css", body="", headers={"Access-Control-Allow-Origin": "*"}
                )
            elif not self._may_pass(request):
                await self._drop(route, request.resource_type)
            else:
                await self._pass(route, request)

    def over(self, request: Request) -> None:
        """The request was answered, or failed."""
        release = self._held.pop(request, None)
        if release is not None:
            release()

    def _may_pass(self, request: Request) -> bool:
        usual = request.resource_type in _PASSED and request.method in _METHODS
        return usual and _HTTP.match(request.url) is not None and self._left > 0

    async def _navigate(self, route: Route, request: Request) -> None:
        frame = request.frame
        if frame.parent_frame is not None or frame.page.main_frame is not frame:
            await self._drop(route, "frame")
        elif not self._answered:
            self._answered = True
            self._url = request.url  # as Chromium spells it
            await self._document(route)
        else:
            if request.method == "GET" and request.url != self._url and not self.onward.done():
                self.onward.set_result(request.url)
            await self._drop(route, "navigation")

    async def _drop(self, route: Route, kind: str) -> None:
        self.dropped[kind] += 1
        await route.abort("aborted")

    async def _pass(self, route: Route, request: Request) -> None:
        self._left -= 1
        slot = self._slots[urlsplit(request.url).hostname]
        self._waiting += 1
        try:
            if not await self._ask(request.url):
                await self._drop(route, "robots")
                return
            await slot.acquire()
            self._hold(request, slot)
        finally:
            self._waiting -= 1
            self._last_change = time.monotonic()
        self.passed += 1
        try:
            await route.continue_()
        except BaseException:
            self.over(request)
            raise

    def _hold(self, request: Request, slot: asyncio.Semaphore) -> None:
        freed = False

        def free() -> None:
            nonlocal freed
            if not freed:
                freed = True
                slot.release()

        timer = asyncio.get_running_loop().call_later(_HOLDS_SECONDS, free)

        def release() -> None:
            timer.cancel()
            free()
            self._last_change = time.monotonic()

        self._held[request] = release
