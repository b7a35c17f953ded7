"""Render one page in its own browser profile: load it, wait until it settles, read it, and discard the profile."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Dialog, Error, Page, Route, WebSocketRoute
from playwright.async_api import TimeoutError as SlowBrowserError

from app.property.fetch.browser.chromium.gate import Gate
from app.property.fetch.browser.chromium.wire import Message

_LOOK_SECONDS = 0.1
_CLOSE_SECONDS = 3.0
#: Matches Playwright's error messages while a page navigates away, for which Playwright has no exception type.
_LEAVING = re.compile("context was destroyed|is navigating|interrupted by another navigation")
#: JavaScript that returns the number of elements and the length of the text. The length is -1 if there are too many
#: elements.
_SIZE = """() => {
    const elements = document.getElementsByTagName("*").length;
    return [elements, elements < 50000 ? document.documentElement.textContent.length : -1];
}"""


class VisitError(Exception):
    """A page could not be rendered. `code` is for the worker, and `reason` describes the failure for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Order:
    render: int
    url: str
    html: str
    headers: dict[str, str]
    cookies: list[dict[str, str]]
    user_agent: str
    seconds: float
    settle_seconds: float
    quiet_seconds: float
    most_chars: int
    most_requests: int
    places: int

    @classmethod
    def of(cls, message: Message) -> Self:
        return cls(**{field.name: message[field.name] for field in fields(cls)})


async def render_page(
    browser: Browser, order: Order, load: Callable[[Message], Awaitable[Message | None]]
) -> dict[str, Any]:
    """Render a page, and return the message `rendered` or `redirect`. Raises `VisitError` if rendering fails.

    `load` makes the page's requests (see `Gate`). The browser profile is always discarded, even if the rendering is
    canceled.
    """
    began = time.monotonic()
    context: BrowserContext | None = None
    try:
        async with asyncio.timeout(order.seconds):
            context = await browser.new_context(
                user_agent=order.user_agent, service_workers="block", accept_downloads=False, reduced_motion="reduce"
            )
            return await _Visit(order, load, context, began).run()
    except SlowBrowserError as exc:
        raise VisitError("timeout", "its scripts left the browser no time to answer") from exc
    except TimeoutError as exc:
        raise VisitError("timeout", f"it was not rendered within {order.seconds:.3g} s") from exc
    except Error as exc:
        reason = exc.message.splitlines()[0][:300] if exc.message else type(exc).__name__
        raise VisitError("failed" if browser.is_connected() else "gone", reason) from exc
    finally:
        if context is not None:
            await _closed(browser, context)


async def _closed(browser: Browser, context: BrowserContext) -> None:
    closing = asyncio.create_task(context.close())
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await asyncio.shield(closing)
    except Error:
        pass
    except TimeoutError:
        closing.cancel()
        with suppress(Error):
            await browser.close()


class _Visit:
    def __init__(
        self, order: Order, load: Callable[[Message], Awaitable[Message | None]], context: BrowserContext, began: float
    ) -> None:
        self._order = order
        self._context = context
        self._began = began
        self._crashed = asyncio.Event()
        self._gate = Gate(
            url=order.url,
            document=self._document,
            load=load,
            cookies=self._cookies,
            most_requests=order.most_requests,
            places=order.places,
        )

    async def run(self) -> dict[str, Any]:
        context = self._context
        await context.grant_permissions([])  # an empty list denies every permission
        await context.route_web_socket(re.compile(""), _refused)
        await context.route(re.compile(""), self._gate.handle)
        if self._order.cookies:
            await context.add_cookies(self._order.cookies)  # type: ignore[arg-type]
        page = await context.new_page()
        context.on("page", _close)
        context.on("dialog", _dismiss)
        page.on("crash", lambda _: self._crashed.set())
        left = max(0.001, self._order.seconds - (time.monotonic() - self._began))
        await _unless_leaving(page.goto(self._order.url, wait_until="commit", timeout=left * 1000))
        await self._settled(page)
        return {"redirect": self._gate.redirect.result()} if self._gate.redirect.done() else await self._read(page)

    async def _document(self, route: Route) -> None:
        await route.fulfill(status=200, headers=self._order.headers, body=self._order.html)

    async def _cookies(self, url: str) -> dict[str, str]:
        return {str(cookie["name"]): str(cookie["value"]) for cookie in await self._context.cookies(url)}

    async def _settled(self, page: Page) -> None:
        """Wait until the page redirects, nothing has changed for `quiet_seconds`, or `settle_seconds` have passed."""
        until = time.monotonic() + self._order.settle_seconds
        size, since = None, time.monotonic()
        while time.monotonic() < until:
            await asyncio.wait({self._gate.redirect}, timeout=_LOOK_SECONDS)
            if self._crashed.is_set():
                raise VisitError("crashed", "its tab crashed, as a rule for want of memory")
            if self._gate.redirect.done():
                return
            now = await _unless_leaving(page.evaluate(_SIZE))
            if now is None or now != size:
                size, since = now, time.monotonic()
            if min(self._gate.quiet_seconds(), time.monotonic() - since) >= self._order.quiet_seconds:
                return

    async def _read(self, page: Page) -> dict[str, Any]:
        html = await _unless_leaving(page.content())
        if html is None:
            raise VisitError("failed", "it left for another page just when it was read")
        if len(html) > self._order.most_chars:
            raise VisitError("too_large", f"{len(html)} characters")
        final = urlsplit(page.url)
        asked = urlsplit(self._order.url)
        if (final.scheme, final.netloc) != (asked.scheme, asked.netloc):
            raise VisitError("failed", f"it left for {page.url[:100]!r}")
        gate = self._gate
        return {"rendered": {"html": html, "passed": gate.passed, "dropped": dict(gate.dropped)}}


async def _unless_leaving[T](answer: Awaitable[T]) -> T | None:
    try:
        return await answer
    except Error as exc:
        if not _LEAVING.search(exc.message):
            raise
        return None


async def _refused(socket: WebSocketRoute) -> None:
    with suppress(Error):
        await socket.close()


async def _dismiss(dialog: Dialog) -> None:
    with suppress(Error):
        await dialog.dismiss()


async def _close(page: Page) -> None:
    with suppress(Error):
        await page.close()
