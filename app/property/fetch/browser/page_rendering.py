"""Render a fetched page in the browser, and make the page's requests that the SSRF guard and robots.txt allow."""

import logging
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urljoin

import httpx2

from app.clock import Clock
from app.errors import PropertyIntelligenceError
from app.errors.fetching import PageTooLargeError
from app.property.fetch.browser.loads import Load, Loaded
from app.property.fetch.browser.renderer import BrowserRenderer, Document, Redirect, Rendered
from app.property.fetch.client.exchange import Exchange, is_sendable
from app.property.fetch.guard.check import Destination, Guard
from app.property.fetch.limits import Limits
from app.property.fetch.pace.rules import Visitor
from app.property.fetch.robots.rules import Robots
from app.property.page import Page
from app.property.urls.site import site_of

log = logging.getLogger(__name__)

#: Maximum waits, in seconds: for the robots.txt of a resource's host, and for a resource with its redirects.
_ROBOTS_SECONDS = 5.0
_LOADING_SECONDS = 10.0
_METHODS = frozenset({"GET", "HEAD", "POST"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: Request headers of the page that are not forwarded, because the worker sets them or they apply to one connection only
#: (RFC 9110 section 7.6.1).
# fmt: off
_OURS = frozenset({
    "accept-encoding", "connection", "content-length", "cookie", "expect", "host", "keep-alive", "te", "trailer",
    "transfer-encoding", "upgrade", "user-agent",
})
# fmt: on
#: Response headers that are not passed to the browser, because they do not apply to the decompressed body.
_UNPACKED = frozenset({"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"})
#: The document's response headers that are passed to the browser, because they affect rendering.
_HEADERS = ("content-security-policy", "content-language", "referrer-policy")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A received response, its request's destination, cookies, and visitor, and the deadline for reading the body."""

    destination: Destination
    response: httpx2.Response
    cookies: httpx2.Cookies
    visitor: Visitor
    deadline_us: int


class PageRendering:
    """Renders pages in a browser, and makes the requests of these pages. Thread-safe."""

    def __init__(
        self,
        renderer: BrowserRenderer,
        *,
        guard: Guard,
        robots: Robots,
        exchange: Exchange,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._renderer = renderer
        self._guard = guard
        self._robots = robots
        self._exchange = exchange
        self._limits = limits
        self._clock = clock

    def needs_browser(self, page: Page) -> bool:
        return self._renderer.needs_browser(page)

    def close(self) -> None:
        self._renderer.close()

    def render(self, page: Page, arrival: Arrival) -> Rendered | Redirect:
        """Return the rendered HTML, or the URL that the page redirects to. Raises a `FetchError` if rendering fails."""
        destination, headers = arrival.destination, arrival.response.headers
        document = Document(
            page,
            {name: headers[name] for name in _HEADERS if name in headers},
            _sent_to(destination.url, arrival.cookies),
        )
        return self._renderer.render(document, arrival.deadline_us, partial(self._load, arrival))

    def _load(self, document: Arrival, load: Load) -> Loaded | None:
        if load.method not in _METHODS or load.most_bytes <= 0:
            return None
        deadline_us = min(document.deadline_us, self._clock.now_us() + round(_LOADING_SECONDS * 1_000_000))
        try:
            for _ in range(self._limits.redirects + 1):
                found = self._stop(document, load, deadline_us)
                if isinstance(found, Loaded):
                    return found if _may_be_read(document, load, found) else None
                load = found
        except PropertyIntelligenceError as exc:
            log.info("%s may not or cannot load %s: %s", document.destination.url, load.url[:200], exc.code)
        except ValueError as exc:  # an invalid URL or header field
            log.info("%s cannot load %s: %s", document.destination.url, load.url[:200], exc)
        return None

    def _stop(self, document: Arrival, load: Load, deadline_us: int) -> Loaded | Load:
        site = site_of(document.destination.host)
        visitor = replace(document.visitor, can_defer=False, max_wait_seconds=_ROBOTS_SECONDS, slot_site=site)
        destination = self._guard.check(
            load.url, timeout_seconds=self._limits.connect_seconds, may_enter=visitor.may_enter
        )
        self._robots.permit(destination, visitor)
        headers = {name: value for name, value in load.headers.items() if name.lower() not in _OURS}
        if load.cookies and site_of(destination.host) == site:
            pairs = (f"{name}={value}" for name, value in load.cookies.items())
            if cookies := "; ".join(filter(is_sendable, pairs)):
                headers["cookie"] = cookies
        if destination.origin != document.destination.origin:
            headers.setdefault("origin", document.destination.origin)
        with self._exchange.request(load.method, destination, headers, load.body, deadline_us) as response:
            location = response.headers.get("location")
            if location and response.status_code in _REDIRECTS:
                return _redirected(load, destination, location, response.status_code)
            most_bytes = min(load.most_bytes, self._limits.body_bytes)
            body = self._exchange.read_body(response, limit_bytes=most_bytes)
            if len(body) == most_bytes:
                raise PageTooLargeError(destination.url, most_bytes, "for a page that loads it")
            return Loaded(response.status_code, _fields(response), body)


def _redirected(load: Load, destination: Destination, location: str, status: int) -> Load:
    """Return the request that follows a redirect (https://fetch.spec.whatwg.org/#http-redirect-fetch)."""
    url = urljoin(destination.url, location)
    headers, cookies = dict(load.headers), load.cookies
    if not url.startswith(f"{destination.origin}/"):
        headers.pop("authorization", None)
        cookies = {}
    if status == 303 or (status in (301, 302) and load.method == "POST"):
        headers.pop("content-type", None)
        method = "HEAD" if load.method == "HEAD" else "GET"
        return Load(method, url, headers, cookies, b"", load.most_bytes)
    return replace(load, url=url, headers=headers, cookies=cookies)


def _may_be_read(document: Arrival, load: Load, loaded: Loaded) -> bool:
    """Return whether CORS allows reading the response. Chromium cannot decide this, because Playwright adds the CORS
    header to every response.
    """
    origin = load.headers.get("origin")
    is_own = load.url.startswith(f"{document.destination.origin}/")
    return origin is None or is_own or "access-control-allow-origin" in loaded.headers


def _fields(response: httpx2.Response) -> dict[str, str]:
    fields = {name.lower(): value for name, value in response.headers.items() if name.lower() not in _UNPACKED}
    if "set-cookie" in fields:
        fields["set-cookie"] = "\n".join(response.headers.get_list("set-cookie"))
    return fields


def _sent_to(url: str, cookies: httpx2.Cookies) -> dict[str, str]:
    request = httpx2.Request("GET", url)
    cookies.set_cookie_header(request)
    pairs = (pair.strip().partition("=") for pair in request.headers.get("cookie", "").split(";"))
    return {name: value for name, _, value in pairs if name}
