"""Fetch a URL as a `Page`. The SSRF guard, robots.txt, and rate limits apply again to the target of every redirect."""

import ssl
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import cast
from urllib.parse import urljoin

import httpcore2
import httpx2

from app.clock import Clock
from app.errors.fetching import (
    EmptyPageError,
    FetchError,
    HttpStatusError,
    TooManyRedirectsError,
    TransientHttpStatusError,
)
from app.errors.pages import PageBlockedError
from app.errors.targets import InvalidTargetError
from app.property.fetch.browser.page_rendering import Arrival, PageRendering
from app.property.fetch.browser.renderer import BrowserRenderer, Rendered
from app.property.fetch.cache_validators import (
    canonical_link,
    conditional_headers,
    http_date,
    is_conditional,
    validators_of,
)
from app.property.fetch.client.exchange import Exchange
from app.property.fetch.client.refresh import refresh
from app.property.fetch.decode.block_pages import HEAD_BYTES, REFUSALS, block_reason
from app.property.fetch.decode.media_type import media_type, require_readable
from app.property.fetch.decode.text import decode, is_blank
from app.property.fetch.guard.check import Destination, Guard, check_url, nowhere
from app.property.fetch.limits import Limits, TimeBudget
from app.property.fetch.pace.politeness import Politeness
from app.property.fetch.pace.rules import Visitor
from app.property.fetch.robots.cache import RobotsCache, RobotsFile
from app.property.fetch.robots.rules import MAX_ROBOTS_BYTES, MAX_ROBOTS_REDIRECTS, Robots
from app.property.page import RENDERED, CacheValidators, NotModified, Page
from app.property.reading.budget import Spent, reading
from app.property.urls.site import site_of

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: Statuses besides 5xx after which the request may be retried: request timeout, too early, and too many requests.
_TRANSIENT = frozenset({408, 425, 429})
#: The longest wait for a slot after a redirect, unless the site's crawl delay is longer. The job does not come back
#: later instead, because it would have to follow the redirects again.
_ON_THE_WAY_SECONDS = 60.0


def _nothing_known(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class _Redirect:
    location: str


class Fetcher:
    """Fetches pages. Thread-safe."""

    def __init__(
        self,
        *,
        guard: Guard,
        politeness: Politeness,
        robots_cache: RobotsCache,
        limits: Limits,
        user_agent: str,
        clock: Clock,
        ignored_robots: Collection[str] = (),
        ssl_context: ssl.SSLContext | None = None,
        renderer: BrowserRenderer | None = None,
    ) -> None:
        self._guard = guard
        self._politeness = politeness
        self._limits = limits
        self._clock = clock
        self._exchange = Exchange(limits, clock, user_agent, ssl_context)
        self._robots = Robots(self._fetch_robots, robots_cache, clock, user_agent, ignored=ignored_robots)
        self._rendering = (
            PageRendering(
                renderer, guard=guard, robots=self._robots, exchange=self._exchange, limits=limits, clock=clock
            )
            if renderer is not None
            else None
        )

    def close(self) -> None:
        self._exchange.close()
        if self._rendering is not None:
            self._rendering.close()

    def fetch(self, url: str, visitor: Visitor | None = None) -> Page:
        """Return the page at `url` after redirects. The default `visitor` waits up to a minute for a slot at the site.

        Raises `InvalidTargetError` for an invalid URL, and a `FetchError` or `PageError` if there is no usable page.
        Raises `BrokerUnavailableError` if Redis, which stores the rate limits, is unavailable.
        """
        page = self.revisit(url, _nothing_known, visitor)
        if isinstance(page, NotModified):  # the server wrongly answered 304 to an unconditional request
            raise HttpStatusError(page.final_url, 304)
        return page

    def revisit(
        self, url: str, known: Callable[[str], CacheValidators | None], visitor: Visitor | None = None
    ) -> Page | NotModified:
        """Return the page like `fetch`, or `NotModified` if the site answers that the stored copy is current.

        `known` returns the cache validators of the stored copy of a URL, or None if there is no copy.
        """
        visitor = visitor or Visitor()
        read = partial(self._read_page, url, Spent())
        found = self._follow(url, read, self._robots.permit, self._limits.redirects, visitor, known=known)
        return cast("Page | NotModified", found)

    def _fetch_robots(self, url: str, visitor: Visitor) -> RobotsFile:
        visitor = replace(visitor, on_slot=None)
        return self._follow(url, self._read_robots, lambda *_: 0.0, MAX_ROBOTS_REDIRECTS, visitor)

    def _follow[Result](
        self,
        url: str,
        read: Callable[[Arrival], Result | _Redirect],
        permit: Callable[[Destination, Visitor], float],
        redirects: int,
        visitor: Visitor,
        *,
        known: Callable[[str], CacheValidators | None] = _nothing_known,
    ) -> Result:
        """Follow redirects from `url`, and return the result of `read` for the first response that is not a redirect.

        The SSRF guard and then `permit` check each URL. `permit` returns the host's crawl delay in seconds. Requests
        for URLs with a stored copy (`known`) are conditional. After a private URL, only its own origin and public URLs
        may follow; after a public URL, only public URLs.
        """
        budget = TimeBudget(self._clock, self._limits.total_seconds)
        cookies = httpx2.Cookies()
        stop, via = url, ""
        for _ in range(redirects + 1):
            destination = self._check(stop, via, visitor)
            visitor = replace(visitor, may_enter=destination.origin.__eq__ if destination.is_private else nowhere)
            gap_seconds = permit(destination, visitor)
            asked = conditional_headers(known(destination.url))
            with (
                self._politeness.slot(destination, visitor, gap_seconds) as slot,
                budget.running() as deadline_us,
                self._exchange.open(destination, cookies, deadline_us, asked, slot.sent) as response,
            ):
                slot.answered(response.status_code, self._retry_after_seconds(response))
                visitor = replace(visitor, on_slot=None)
                location = response.headers.get("location")
                is_redirect = response.status_code in _REDIRECTS
                arrival = Arrival(destination, response, cookies, visitor, deadline_us)
                found = _Redirect(location) if location and is_redirect else read(arrival)
            if not isinstance(found, _Redirect):
                return found
            stop, via = _join(destination.url, found.location), destination.url
            visitor = replace(
                visitor,
                can_defer=False,
                max_wait_seconds=max(_ON_THE_WAY_SECONDS, gap_seconds),
                requested_site=visitor.requested_site or site_of(destination.host),
            )
        raise TooManyRedirectsError(url, redirects)

    def _check(self, url: str, via: str, visitor: Visitor) -> Destination:
        try:
            return self._guard.check(url, timeout_seconds=self._limits.connect_seconds, may_enter=visitor.may_enter)
        except InvalidTargetError as exc:
            if not via:
                raise
            raise FetchError(via, f"it redirects to {exc.facts['target']!r}: {exc.facts['problem']}") from exc

    def _read_page(self, asked: str, spent: Spent, arrival: Arrival) -> Page | NotModified | _Redirect:
        destination, response = arrival.destination, arrival.response
        if response.status_code == 304 and is_conditional(response.request.headers):
            return NotModified(asked, destination.url, self._clock.now())
        with reading(destination.url, spent):
            self._require_success(asked, destination.url, response)
            content_type = response.headers.get("content-type")
            require_readable(destination.url, content_type)
            body = self._exchange.read_body(response)
            page = replace(self._page(asked, destination.url, response, body, content_type), spent=spent)
            self._require_not_blocked(asked, destination.url, response, page.text)
            location = refresh(response.headers.get("refresh", ""), page.text if "html" in page.content_type else "")
            if location is not None and _spelled(_join(destination.url, location)) != destination.url:
                return _Redirect(location)
            if not page.content_type:
                raise EmptyPageError(destination.url)
            rendering = self._rendering if self._rendering is not None and self._rendering.needs_browser(page) else None
        return page if rendering is None else self._rendered(rendering, page, arrival)

    def _page(self, asked: str, url: str, response: httpx2.Response, body: bytes, content_type: str | None) -> Page:
        is_empty = is_blank(body)
        return Page(
            url=asked,
            final_url=url,
            content_type="" if is_empty else media_type(url, body, content_type),
            text="" if is_empty else decode(body, content_type),
            body=body,
            fetched_at=self._clock.now(),
            validators=validators_of(response.headers),
            declared_url=canonical_link(response.headers, url),
        )

    def _rendered(self, rendering: PageRendering, page: Page, arrival: Arrival) -> Page | _Redirect:
        result = rendering.render(page, arrival)
        if not isinstance(result, Rendered):
            return _Redirect(result.url)
        body = RENDERED + result.html.encode("utf-8", "replace")
        with reading(page.final_url, page.spent):
            rendered = self._page(page.url, page.final_url, arrival.response, body, "text/html; charset=utf-8")
            self._require_not_blocked(page.url, page.final_url, arrival.response, rendered.text)
        # the validators do not cover the data that the page's scripts load
        return replace(rendered, validators=CacheValidators(no_store=page.validators.no_store), spent=page.spent)

    def _read_robots(self, arrival: Arrival) -> RobotsFile:
        response = arrival.response
        succeeded = 200 <= response.status_code < 300
        body = self._exchange.read_body(response, limit_bytes=MAX_ROBOTS_BYTES) if succeeded else b""
        return RobotsFile(response.status_code, body, self._retry_after_seconds(response))

    def _require_success(self, asked: str, url: str, response: httpx2.Response) -> None:
        status = response.status_code
        if status in REFUSALS:
            self._require_not_blocked(asked, url, response, self._head_of(response))
        if status in _TRANSIENT or status >= 500:
            raise TransientHttpStatusError(url, status, self._retry_after_seconds(response))
        if not 200 <= status < 300:
            raise HttpStatusError(url, status)

    def _require_not_blocked(self, asked: str, url: str, response: httpx2.Response, text: str) -> None:
        if (what := block_reason(url, asked, response.status_code, response.headers, text)) is not None:
            raise PageBlockedError(url, what)

    def _head_of(self, response: httpx2.Response) -> str:
        try:
            return decode(self._exchange.read_body(response, limit_bytes=HEAD_BYTES), None)
        except (FetchError, httpx2.HTTPError, httpcore2.NetworkError, httpcore2.ProtocolError):
            return ""

    def _retry_after_seconds(self, response: httpx2.Response) -> float | None:
        text = response.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdecimal():
            return float(text[:9])
        moment = http_date(text)
        return None if moment is None else max(0.0, (moment - self._clock.now()).total_seconds())


def _join(base: str, location: str) -> str:
    try:
        return urljoin(base, location.strip())
    except ValueError:  # an invalid IPv6 address, which the guard reports
        return location


def _spelled(url: str) -> str:
    try:
        return check_url(url)
    except (InvalidTargetError, FetchError):
        return url
