"""robots.txt (RFC 9309): whether a page may be fetched, and how slowly.

Rules are cached per origin in this process. How the file is fetched is the caller's business: it hands in a function.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from protego import Protego

from app.clock import Clock
from app.errors import (
    FetchError,
    HttpStatusError,
    RobotsDisallowedError,
    TooManyRedirectsError,
    TransientHttpStatusError,
)
from app.property.fetch.guard import Destination
from app.property.fetch.pace import Visitor

#: RFC 9309 section 2.5: at least 500 KiB must be read; what comes after that may be ignored
MAX_ROBOTS_BYTES = 512 * 1024
#: RFC 9309 section 2.3.1.2: at least five redirects are followed
MAX_ROBOTS_REDIRECTS = 5
_MAX_ORIGINS = 2000


@dataclass(frozen=True, slots=True)
class RobotsFile:
    """What a site answered for /robots.txt. `body` holds at most `MAX_ROBOTS_BYTES`."""

    status: int
    body: bytes
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    until_us: int
    rules: Protego | None = None
    failure: FetchError | None = None


class Robots:
    """The rules of all sites that this process has seen."""

    def __init__(
        self,
        fetch: Callable[[str, Visitor], RobotsFile],
        clock: Clock,
        user_agent: str,
        *,
        ttl_seconds: float = 3600.0,
        hold_off_seconds: float = 60.0,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self.product = product_token(user_agent)
        self._ttl_seconds = ttl_seconds
        self._hold_off_seconds = hold_off_seconds
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def permit(self, destination: Destination, visitor: Visitor) -> float:
        """The gap in seconds that the site asks to keep between requests (0: it asks for none).

        Raises `RobotsDisallowedError`; and where robots.txt answers 429 or 5xx or cannot be reached, an error that
        says so: RFC 9309 section 2.3.1.4 forbids the whole site then, and the page is not fetched.
        """
        entry = self._entry(destination.origin, visitor)
        if entry.failure is not None:
            raise _about(destination.url, entry.failure)
        if entry.rules is None:
            return 0.0
        if not entry.rules.can_fetch(destination.url, self.product):
            raise RobotsDisallowedError(destination.url, self.product)
        return _gap_seconds(entry.rules, self.product)

    def _entry(self, origin: str, visitor: Visitor) -> _Entry:
        with self._lock:
            entry = self._entries.get(origin)
            if entry is not None and entry.until_us > self._clock.now_us():
                self._entries.move_to_end(origin)
                return entry
        entry = self._read(origin, visitor)
        with self._lock:
            self._entries[origin] = entry
            self._entries.move_to_end(origin)
            while len(self._entries) > _MAX_ORIGINS:
                self._entries.popitem(last=False)
        return entry

    def _read(self, origin: str, visitor: Visitor) -> _Entry:
        url = f"{origin}/robots.txt"
        try:
            file = self._fetch(url, visitor)
        except TooManyRedirectsError:
            return self._keep(self._ttl_seconds)  # section 2.3.1.2: as if there were none
        except FetchError as exc:
            if not _tells_about_site(exc):
                raise
            return self._keep(self._hold_off_seconds, failure=exc)
        if file.status == 429 or file.status >= 500:
            pause = max(self._hold_off_seconds, min(file.retry_after_seconds or 0.0, self._ttl_seconds))
            failure = TransientHttpStatusError(url, file.status, file.retry_after_seconds)
            return self._keep(pause, failure=failure)
        if not 200 <= file.status < 300:
            return self._keep(self._ttl_seconds)
        rules = Protego.parse(file.body.decode("utf-8-sig", errors="replace"))
        return self._keep(self._ttl_seconds, rules=rules)

    def _keep(self, seconds: float, *, rules: Protego | None = None, failure: FetchError | None = None) -> _Entry:
        return _Entry(self._clock.now_us() + round(seconds * 1_000_000), rules, failure)


def product_token(user_agent: str) -> str:
    """The name by which robots.txt knows a client: `User-Agent` up to the version (RFC 9309 section 2.2.1)."""
    words = user_agent.replace("/", " ").split()
    return words[0] if words else "*"


def _gap_seconds(rules: Protego, product: str) -> float:
    delay = float(rules.crawl_delay(product) or 0.0)
    rate = rules.request_rate(product)
    if rate is not None and rate.requests > 0:
        delay = max(delay, rate.seconds / rate.requests)
    return delay


def _tells_about_site(exc: FetchError) -> bool:
    """False for what says nothing about the site, like its host being busy with our own requests."""
    return exc.fact_names == ("url", "reason") or isinstance(exc, HttpStatusError)


def _about(url: str, failure: FetchError) -> FetchError:
    """A fresh error for this page from the one remembered for its site's robots.txt."""
    if failure.fact_names == ("url", "reason"):
        return type(failure)(url, f"{failure.facts['reason']}, while its robots.txt was read")
    return type(failure)(*failure.args)
