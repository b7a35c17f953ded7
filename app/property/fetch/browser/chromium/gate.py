"""Decide which requests of a page are made, and limit how many run at once.

The request for the page itself gets the document that the worker has already fetched. The worker also fetches scripts,
and the data that they request. The page's host gets only one request at a time. Style sheets are replaced with empty
ones. All other requests are dropped, such as those for images, fonts, frames, beacons, and downloads.

Chromium itself has no network access (`host.py`), so a request that bypasses this class fails.
"""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import urlsplit

from playwright.async_api import Error, Request, Route

from app.property.fetch.browser.chromium.wire import Message, from_text, to_text

#: The resource types that the worker loads
#: (https://playwright.dev/python/docs/api/class-request#request-resource-type).
_PASSED = frozenset({"script", "xhr", "fetch"})
_METHODS = frozenset({"GET", "HEAD", "POST"})
#: Requests with a larger body are dropped.
_MOST_BODY_BYTES = 1_000_000
_HTTP = re.compile(r"https?://", re.IGNORECASE)


class Gate:
    """Filters the requests of one page.

    `load` sends a request to the worker and returns the response, or None if the request is not allowed or fails.
    `wire.py` defines the formats of request (`load`) and response (`loaded`). `cookies` returns the browser's cookies
    for a URL, by name.
    """

    def __init__(
        self,
        *,
        url: str,
        document: Callable[[Route], Awaitable[None]],
        load: Callable[[Message], Awaitable[Message | None]],
        cookies: Callable[[str], Awaitable[dict[str, str]]],
        most_requests: int,
        places: int,
    ) -> None:
        self._url = url
        self._document = document
        self._load = load
        self._cookies = cookies
        self._left = most_requests
        self._slots: dict[str | None, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(places))
        self._slots[urlsplit(url).hostname] = asyncio.Semaphore(1)
        self._under_way = 0
        self._answered = False
        self._last_change = time.monotonic()
        self.dropped: dict[str, int] = defaultdict(int)
        self.passed = 0
        #: The URL to which the page tries to navigate after loading its document.
        self.redirect: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def quiet_seconds(self) -> float:
        """Return the seconds since the last request ended, or 0.0 while a request is running."""
        return 0.0 if self._under_way else time.monotonic() - self._last_change

    async def handle(self, route: Route, request: Request) -> None:
        """Answer, load, or drop a request. Playwright calls this for every request of the page."""
        with suppress(Error):  # raised if the page was closed
            if request.is_navigation_request():
                await self._navigate(route, request)
            elif request.resource_type == "stylesheet":
                # scripts may wait until a style sheet has loaded, but do not need its content
                await route.fulfill(
                    status=200, content_type="text/css", body="", headers={"Access-Control-Allow-Origin": "*"}
                )
            elif not self._may_pass(request):
                await self._drop(route, request.resource_type)
            else:
                await self._pass(route, request)

    def _may_pass(self, request: Request) -> bool:
        usual = request.resource_type in _PASSED and request.method in _METHODS
        is_small = len(request.post_data_buffer or b"") <= _MOST_BODY_BYTES
        return usual and is_small and _HTTP.match(request.url) is not None and self._left > 0

    async def _navigate(self, route: Route, request: Request) -> None:
        frame = request.frame
        if frame.parent_frame is not None or frame.page.main_frame is not frame:
            await self._drop(route, "frame")
        elif not self._answered:
            self._answered = True
            self._url = request.url  # Chromium may have normalized the document's URL
            await self._document(route)
        else:
            if request.method == "GET" and request.url != self._url and not self.redirect.done():
                self.redirect.set_result(request.url)
            await self._drop(route, "navigation")

    async def _drop(self, route: Route, kind: str) -> None:
        self.dropped[kind] += 1
        await route.abort("aborted")

    async def _pass(self, route: Route, request: Request) -> None:
        self._left -= 1
        self._under_way += 1
        try:
            async with self._slots[urlsplit(request.url).hostname]:
                loaded = await self._load(await self._message(request))
        finally:
            self._under_way -= 1
            self._last_change = time.monotonic()
        if loaded is None:
            await self._drop(route, "refused")
            return
        self.passed += 1
        await route.fulfill(status=loaded["status"], headers=loaded["headers"], body=from_text(loaded["body"]))

    async def _message(self, request: Request) -> Message:
        return {
            "method": request.method,
            "url": request.url,
            "headers": request.headers,
            "cookies": await self._cookies(request.url),
            "body": to_text(request.post_data_buffer or b""),
        }
