"""The fetcher: from a URL to a `Page`, through guard, robots.txt and pace, again on every redirect.

The rules themselves live beside it (`guard.py`, `robots.py`, `politeness.py`, `exchange.py`); here is their order.
"""

from __future__ import annotations

import email.utils
import ssl
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC
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
from app.property.fetch.browser.drawing import Arrival, Drawing
from app.property.fetch.browser.renderer import Drawn, Renderer
from app.property.fetch.cache_validators import conditions, declared_in, is_conditional, keeping_of
from app.property.fetch.client.exchange import Exchange
from app.property.fetch.client.refresh import refresh
from app.property.fetch.decode.media_type import media_type, require_readable
from app.property.fetch.decode.text import decode, is_blank
from app.property.fetch.decode.walls import HEAD_BYTES, REFUSALS, wall
from app.property.fetch.guard.check import Destination, Guard
from app.property.fetch.limits import Limits, TimeBudget
from app.property.fetch.pace.politeness import Politeness
from app.property.fetch.pace.rules import Visitor
from app.property.fetch.robots.cache import RobotsCache, RobotsFile
from app.property.fetch.robots.rules import MAX_ROBOTS_BYTES, MAX_ROBOTS_REDIRECTS, Robots
from app.property.page import RENDERED, Keeping, NotModified, Page
from app.property.reading.budget import Spent, reading
from app.property.urls.site import site_of

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: "later" rather than "no": request timeout, too early, too many requests; and all of 5xx
_TRANSIENT = frozenset({408, 425, 429})
#: who has come so far as to be asked on to another page waits for it: to come back would be to begin anew
_ON_THE_WAY_SECONDS = 60.0


def _nothing_known(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class _Onward:
    """No page, but where to ask instead."""

    location: str


class Fetcher:
    """Fetches pages. Thread-safe; one per process, closed at its end."""

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
        renderer: Renderer | None = None,
    ) -> None:
        self._guard = guard
        self._politeness = politeness
        self._limits = limits
        self._clock = clock
        self._exchange = Exchange(limits, clock, user_agent, ssl_context)
        self._robots = Robots(self._fetch_robots, robots_cache, clock, user_agent, ignored=ignored_robots)
        self._drawing = (
            Drawing(renderer, guard=guard, robots=self._robots, exchange=self._exchange, limits=limits, clock=clock)
            if renderer is not None
            else None
        )

    def close(self) -> None:
        """Close all connections, and the browser."""
        self._exchange.close()
        if self._drawing is not None:
            self._drawing.close()

    def fetch(self, url: str, visitor: Visitor | None = None) -> Page:
        """The page at `url`, redirects followed. `visitor` says on whose behalf; None: whoever waits for his turn.

        Raises `InvalidTargetError` for what is no URL; else a `FetchError` that says what went wrong, `transient`
        where it is worth coming back, or `BrokerUnavailableError` where the shared pace cannot be asked.
        """
        page = self.revisit(url, _nothing_known, visitor)
        if isinstance(page, NotModified):  # whoever was asked about nothing answered 304 all the same
            raise HttpStatusError(page.final_url, 304)
        return page

    def revisit(
        self, url: str, known: Callable[[str], Keeping | None], visitor: Visitor | None = None
    ) -> Page | NotModified:
        """As `fetch`; but whichever URL answers is asked whether what it answered before still holds.

        `known` says for a URL what its site said about keeping that answer; None: nothing of it is kept.
        """
        visitor = visitor or Visitor()
        read = partial(self._read_page, url, Spent())
        found = self._follow(url, read, self._robots.permit, self._limits.redirects, visitor, known=known)
        return cast("Page | NotModified", found)  # the type of a union's rest is not inferred

    def _fetch_robots(self, url: str, visitor: Visitor) -> RobotsFile:
        visitor = replace(visitor, on_turn=None)
        return self._follow(url, self._read_robots, lambda *_: 0.0, MAX_ROBOTS_REDIRECTS, visitor)

    def _follow[Result](
        self,
        url: str,
        read: Callable[[Arrival], Result | _Onward],
        permit: Callable[[Destination, Visitor], float],
        redirects: int,
        visitor: Visitor,
        *,
        known: Callable[[str], Keeping | None] = _nothing_known,
    ) -> Result:
        """Walk from `url` to an answer that is no redirect and read it.

        Each stop is checked by the guard, then by `permit`, which returns the gap to keep there in seconds; what is
        `known` of it is asked about. Behind a public stop there are public ones only.
        """
        budget = TimeBudget(self._clock, self._limits.total_seconds)
        cookies = httpx2.Cookies()
        stop, via = url, ""
        for _ in range(redirects + 1):
            destination = self._check(stop, via, visitor)
            visitor = replace(visitor, only_public=not destination.inside)
            gap_seconds = permit(destination, visitor)
            asked = conditions(known(destination.url))
            with (
                self._politeness.turn(destination, visitor, gap_seconds) as turn,
                budget.running() as deadline_us,
                self._exchange.open(destination, cookies, deadline_us, asked, turn.sent) as response,
            ):
                turn.answered(response.status_code, self._retry_after_seconds(response))
                visitor = replace(visitor, on_turn=None)
                location = response.headers.get("location")
                is_redirect = response.status_code in _REDIRECTS
                arrival = Arrival(destination, response, cookies, visitor, deadline_us)
                found = _Onward(location) if location and is_redirect else read(arrival)
            if not isinstance(found, _Onward):
                return found
            stop, via = _join(destination.url, found.location), destination.url
            visitor = replace(
                visitor,
                comes_back=False,
                patience_seconds=_ON_THE_WAY_SECONDS,
                asked_site=visitor.asked_site or site_of(destination.host),
            )
        raise TooManyRedirectsError(url, redirects)

    def _check(self, url: str, via: str, visitor: Visitor) -> Destination:
        """The guard's answer; a redirect to something that is no URL is the site's fault, not the target's."""
        try:
            return self._guard.check(url, timeout_seconds=self._limits.connect_seconds, only_public=visitor.only_public)
        except InvalidTargetError as exc:
            if not via:
                raise
            raise FetchError(via, f"it redirects to {exc.facts['target']!r}: {exc.facts['problem']}") from exc

    def _read_page(self, asked: str, spent: Spent, arrival: Arrival) -> Page | NotModified | _Onward:
        destination, response = arrival.destination, arrival.response
        if response.status_code == 304 and is_conditional(response.request.headers):
            return NotModified(asked, destination.url, self._clock.now())
        with reading(destination.url, spent):
            self._require_success(asked, destination.url, response)
            content_type = response.headers.get("content-type")
            require_readable(destination.url, content_type)
            body = self._exchange.read_body(response)
            page = replace(self._page(asked, destination.url, response, body, content_type), spent=spent)
            self._require_no_wall(asked, destination.url, response, page.text)
            location = refresh(response.headers.get("refresh", ""), page.text if "html" in page.content_type else "")
            if location is not None and _join(destination.url, location).partition("#")[0] != destination.url:
                return _Onward(location)
            if not page.content_type:
                raise EmptyPageError(destination.url)
            drawing = self._drawing if self._drawing is not None and self._drawing.wants(page) else None
        return page if drawing is None else self._drawn(drawing, page, arrival)

    def _page(self, asked: str, url: str, response: httpx2.Response, body: bytes, content_type: str | None) -> Page:
        """The page; one without a type and text where the body is blank."""
        is_empty = is_blank(body)
        return Page(
            url=asked,
            final_url=url,
            content_type="" if is_empty else media_type(url, body, content_type),
            text="" if is_empty else decode(body, content_type),
            body=body,
            fetched_at=self._clock.now(),
            keeping=keeping_of(response.headers),
            declared_url=declared_in(response.headers, url),
        )

    def _drawn(self, drawing: Drawing, page: Page, arrival: Arrival) -> Page | _Onward:
        """The page as a browser draws it, while its turn at the site goes on."""
        result = drawing.draw(page, arrival)
        if not isinstance(result, Drawn):
            return _Onward(result.url)
        body = RENDERED + result.html.encode("utf-8", "replace")
        with reading(page.final_url, page.spent):
            drawn = self._page(page.url, page.final_url, arrival.response, body, "text/html; charset=utf-8")
            self._require_no_wall(page.url, page.final_url, arrival.response, drawn.text)
        # that the document is as it was would say nothing of what its scripts load
        return replace(drawn, keeping=Keeping(no_store=page.keeping.no_store), spent=page.spent)

    def _read_robots(self, arrival: Arrival) -> RobotsFile:
        response = arrival.response
        succeeded = 200 <= response.status_code < 300
        body = self._exchange.read_body(response, limit_bytes=MAX_ROBOTS_BYTES) if succeeded else b""
        return RobotsFile(response.status_code, body, self._retry_after_seconds(response))

    def _require_success(self, asked: str, url: str, response: httpx2.Response) -> None:
        status = response.status_code
        if status in REFUSALS:
            self._require_no_wall(asked, url, response, self._head_of(response))
        if status in _TRANSIENT or status >= 500:
            raise TransientHttpStatusError(url, status, self._retry_after_seconds(response))
        if not 200 <= status < 300:
            raise HttpStatusError(url, status)

    def _require_no_wall(self, asked: str, url: str, response: httpx2.Response, text: str) -> None:
        if (what := wall(url, asked, response.status_code, response.headers, text)) is not None:
            raise PageBlockedError(url, what)

    def _head_of(self, response: httpx2.Response) -> str:
        """What a refusal says, as far as it can be read: its status stands, whatever becomes of its body."""
        try:
            return decode(self._exchange.read_body(response, limit_bytes=HEAD_BYTES), None)
        except (FetchError, httpx2.HTTPError, httpcore2.NetworkError, httpcore2.ProtocolError):
            return ""

    def _retry_after_seconds(self, response: httpx2.Response) -> float | None:
        """Retry-After (RFC 9110 section 10.2.3) as seconds from now; None if absent or unreadable."""
        text = response.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdecimal():
            return float(text[:9])
        try:
            moment = email.utils.parsedate_to_datetime(text)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - self._clock.now()).total_seconds())


def _join(base: str, location: str) -> str:
    try:
        return urljoin(base, location.strip())
    except ValueError:  # brackets that hold no IPv6 address: the guard says so
        return location
