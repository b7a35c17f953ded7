"""Has a page drawn on behalf of the fetcher: what it is given, and what it may load."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import httpx2

from app.errors.fetching import FetchError
from app.errors.targets import InvalidTargetError
from app.property.fetch.guard import Destination, Guard
from app.property.fetch.limits import Limits
from app.property.fetch.pace import Visitor
from app.property.fetch.rendering import Document, Drawn, Onward, Renderer
from app.property.fetch.robots import Robots
from app.property.page import Page
from app.property.urls.site import site_of

#: what a page loads waits so long for the robots.txt of its host
_LOADING_SECONDS = 5.0
#: header fields that say how a page is to be drawn
_HEADERS = ("content-security-policy", "content-language", "referrer-policy")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A stop that answered: where, with what, on whose behalf, and until when it may be read."""

    destination: Destination
    response: httpx2.Response
    cookies: httpx2.Cookies
    visitor: Visitor
    deadline_us: int


class Drawing:
    """Pages that a browser draws, under the rules of the fetcher. Thread-safe."""

    def __init__(self, renderer: Renderer, guard: Guard, robots: Robots, limits: Limits) -> None:
        self._renderer = renderer
        self._guard = guard
        self._robots = robots
        self._limits = limits

    def wants(self, page: Page) -> bool:
        """Whether the page has to be drawn."""
        return self._renderer.wants(page)

    def close(self) -> None:
        """End the browser."""
        self._renderer.close()

    def draw(self, page: Page, arrival: Arrival) -> Drawn | Onward:
        """The page as the browser draws it, or where it leads. Raises a `FetchError`."""
        destination, headers = arrival.destination, arrival.response.headers
        document = Document(
            page,
            {name: headers[name] for name in _HEADERS if name in headers},
            _sent_to(destination.url, arrival.cookies),
            destination.inside,
        )
        return self._renderer.draw(document, arrival.deadline_us, partial(self._may_load, arrival))

    def _may_load(self, document: Arrival, url: str) -> bool:
        """Whether the document may load `url`: what robots.txt forbids is not loaded either."""
        site = site_of(document.destination.host)
        visitor = replace(document.visitor, comes_back=False, patience_seconds=_LOADING_SECONDS, is_at=site)
        try:
            destination = self._guard.check(
                url, timeout_seconds=self._limits.connect_seconds, only_public=visitor.only_public
            )
            self._robots.permit(destination, visitor)
        except (FetchError, InvalidTargetError):
            return False
        return True


def _sent_to(url: str, cookies: httpx2.Cookies) -> dict[str, str]:
    """The cookies that a request for `url` carries, by name."""
    request = httpx2.Request("GET", url)
    cookies.set_cookie_header(request)
    pairs = (pair.strip().partition("=") for pair in request.headers.get("cookie", "").split(";"))
    return {name: value for name, _, value in pairs if name}
