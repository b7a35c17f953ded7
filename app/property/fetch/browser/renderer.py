"""Render pages of the configured hosts, and pages that are empty without their scripts."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.clock import Clock
from app.errors.fetching import BrowserFailedError, BrowserUnavailableError, FetchTimeoutError, PageTooLargeError
from app.property.fetch.browser.chromium.wire import Message
from app.property.fetch.browser.loads import Load, Loaded, Loads
from app.property.fetch.browser.process import (
    BrowserGoneError,
    BrowserProcess,
    BrowserStartError,
    Conversation,
    Program,
)
from app.property.fetch.limits import Limits
from app.property.page import Page

log = logging.getLogger(__name__)


#: A content security policy that forbids what rendering does not need: downloads, popups, dialogs, frames, and plugins
#: (https://www.w3.org/TR/CSP3, https://html.spec.whatwg.org/multipage/browsers.html#sandboxing)
_POLICY = "sandbox allow-scripts allow-same-origin allow-forms; frame-src 'none'; object-src 'none'"


@dataclass(frozen=True, slots=True)
class RenderLimits:
    """The limits of rendering a page, in addition to `Limits`.

    The rendered HTML is read when nothing has loaded or changed for `quiet_seconds`, or after `settle_seconds`.
    """

    settle_seconds: float = 15.0
    quiet_seconds: float = 0.75
    #: Maximum total size of a page's resources, in bytes, after decompression.
    loaded_bytes: int = 30_000_000
    requests: int = 150
    requests_at_once: int = 4
    pages_at_once: int = 4
    #: After this many pages, a new browser process is started, because memory use grows over time.
    pages_per_browser: int = 100


@dataclass(frozen=True, slots=True)
class Document:
    """A fetched document to render. Its URL is `page.final_url`.

    `headers` are the response headers that affect rendering. `cookies` are the cookies for its URL, by name.
    """

    page: Page
    headers: dict[str, str]
    cookies: dict[str, str]


@dataclass(frozen=True, slots=True)
class Rendered:
    """The HTML of a rendered page. If scripts change the page's URL, the change is ignored."""

    html: str


@dataclass(frozen=True, slots=True)
class Redirect:
    url: str


#: A function that makes one request of a page. It returns None if the request is not allowed or fails.
Loader = Callable[[Load], Loaded | None]


class BrowserRenderer:
    """Renders pages in one Chromium, which is started on first use. All threads of this process share it."""

    def __init__(
        self,
        program: Program,
        *,
        limits: Limits,
        clock: Clock,
        user_agent: str,
        hosts: Collection[str],
        places: int,
        render_limits: RenderLimits | None = None,
    ) -> None:
        self._program = program
        self._limits = limits
        self._render_limits = render_limits or RenderLimits()
        self._clock = clock
        self._user_agent = user_agent
        self._hosts = frozenset(hosts)
        self._request_places = places
        self._places = threading.BoundedSemaphore(self._render_limits.pages_at_once)
        self._current: BrowserProcess | None = None
        self._lock = threading.Lock()

    def needs_browser(self, page: Page) -> bool:
        if "html" not in page.content_type:
            return False
        if urlsplit(page.final_url).hostname in self._hosts:
            return True
        from app.property.fetch.browser.shell import is_shell  # noqa: PLC0415 (imports all extractors, only needed with a browser)

        return is_shell(page)

    def render(self, document: Document, deadline_us: int, load: Loader) -> Rendered | Redirect:
        """Render the page. `load` makes its requests and is called from several threads.

        `deadline_us` is in microseconds since the epoch. Raises a `FetchError` if rendering fails.
        """
        url = document.page.final_url
        if not self._places.acquire(timeout=max(0.0, self._seconds_left(deadline_us))):
            raise FetchTimeoutError(url, "all slots of the browser were in use")
        try:
            try:
                return self._render(document, deadline_us, load)
            except _NotBegunError:  # the browser had just ended, so try once more with another one
                return self._render(document, deadline_us, load)
        except (BrowserGoneError, _NotBegunError) as exc:
            raise BrowserFailedError(url, f"the browser ended meanwhile: {exc}") from exc
        finally:
            self._places.release()

    def close(self) -> None:
        with self._lock:
            current, self._current = self._current, None
        if current is not None:
            current.end()

    def _render(self, document: Document, deadline_us: int, load: Loader) -> Rendered | Redirect:
        url = document.page.final_url
        order = self._order(document, self._seconds_left(deadline_us))
        with self._process(url) as process, process.render(order) as conversation:
            loads = Loads(
                conversation,
                load,
                most_bytes=self._render_limits.loaded_bytes,
                at_once=self._render_limits.requests_at_once,
            )
            try:
                return self._answer(url, conversation, loads, deadline_us)
            finally:
                loads.end()

    def _answer(self, url: str, conversation: Conversation, loads: Loads, deadline_us: int) -> Rendered | Redirect:
        while True:
            try:
                message = conversation.next(self._seconds_left(deadline_us))
            except TimeoutError as exc:
                raise FetchTimeoutError(url, f"it was not rendered within {self._limits.total_seconds:g} s") from exc
            except BrowserGoneError as exc:
                raise exc if loads.have_begun else _NotBegunError(str(exc)) from exc
            if "ask" in message:
                loads.begin(message)
            elif message.get("failed") != "gone":  # after "gone", the process ends, which `conversation.next` reports
                return self._result(url, message)

    def _result(self, url: str, message: Message) -> Rendered | Redirect:
        if "redirect" in message:
            return Redirect(str(message["redirect"]))
        if "rendered" in message:
            rendered = message["rendered"]
            log.info("%s was rendered: requests %d, dropped %s", url, rendered["passed"], rendered["dropped"])
            return Rendered(str(rendered["html"]))
        reason = str(message.get("reason"))
        if message.get("failed") == "timeout":
            raise FetchTimeoutError(url, reason)
        if message.get("failed") == "too_large":
            raise PageTooLargeError(url, self._limits.body_bytes, "once it is rendered")
        raise BrowserFailedError(url, reason)

    @contextmanager
    def _process(self, url: str) -> Iterator[BrowserProcess]:
        with self._lock:
            process = self._current
            if process is not None and process.is_gone:
                process.end()
                process = None
            if process is None or process.renders >= self._render_limits.pages_per_browser:
                self._end_if_idle(process)
                process = self._current = self._started(url)
            process.users += 1
        try:
            yield process
        finally:
            with self._lock:
                process.users -= 1
                if process is not self._current:
                    self._end_if_idle(process)

    @staticmethod
    def _end_if_idle(process: BrowserProcess | None) -> None:
        if process is not None and process.users == 0:
            process.end()

    def _started(self, url: str) -> BrowserProcess:
        began = time.monotonic()
        try:
            process = BrowserProcess(self._program)
        except BrowserStartError as exc:
            self._current = None
            raise BrowserUnavailableError(url, str(self._program.executable), str(exc)) from exc
        log.info("%s is up after %.1f s, process %d", self._program.executable, time.monotonic() - began, process.pid)
        return process

    def _order(self, document: Document, seconds: float) -> Message:
        url, limits = document.page.final_url, self._render_limits
        return {
            "url": url,
            "html": document.page.text,
            "headers": _headers(document.headers),
            "cookies": [{"name": name, "value": value, "url": url} for name, value in document.cookies.items()],
            "user_agent": self._user_agent,
            "seconds": max(0.5, seconds - 1.0),
            "settle_seconds": limits.settle_seconds,
            "quiet_seconds": limits.quiet_seconds,
            "most_chars": self._limits.body_bytes,
            "most_requests": limits.requests,
            "places": self._request_places,
        }

    def _seconds_left(self, deadline_us: int) -> float:
        return (deadline_us - self._clock.now_us()) / 1_000_000


def _headers(of_site: Mapping[str, str]) -> dict[str, str]:
    policies = ", ".join(filter(None, (of_site.get("content-security-policy"), _POLICY)))
    return {**of_site, "content-security-policy": policies, "content-type": "text/html; charset=utf-8"}


class _NotBegunError(Exception):
    """The browser ended before the page loaded anything, so another browser can render the page."""
