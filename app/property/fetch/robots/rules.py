"""Apply robots.txt (RFC 9309): decide whether a page may be fetched, and return the delay between requests.

The caller passes a function that fetches the file, and `cache.py` stores it. Each process also caches parsed rules.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass

from protego import Protego

from app.clock import Clock
from app.errors.fetching import (
    FetchError,
    HostBusyError,
    HttpStatusError,
    RobotsDisallowedError,
    TooManyRedirectsError,
    TransientHttpStatusError,
)
from app.property.fetch.guard.check import Destination
from app.property.fetch.pace.rules import Visitor
from app.property.fetch.robots.cache import CachedRobots, RobotsCache, RobotsFile

logger = logging.getLogger(__name__)

#: Only this many bytes of a robots.txt are read. RFC 9309 section 2.5 requires at least 500 KiB.
MAX_ROBOTS_BYTES = 512 * 1024
#: Maximum number of redirects that are followed. RFC 9309 section 2.3.1.2 requires at least five.
MAX_ROBOTS_REDIRECTS = 5
_MAX_ORIGINS = 2000
#: A fetched file is cached for an hour, and a status 5xx or 429 for at least a minute. A failed fetch is cached for a
#: few seconds only, so that retries of a job fetch the file again.
_TTL_SECONDS = 3600.0
_DEFER_SECONDS = 60.0
_FAILURE_SECONDS = 5.0
#: The caller that fetches a file may take this long until another caller fetches it. Meanwhile, other callers check the
#: cache every 0.1 s, or raise `HostBusyError` with a delay of a second.
_CLAIM_SECONDS = 60.0
_LOOK_SECONDS = 0.1
_COME_BACK_SECONDS = 1.0
#: Maximum delay between requests, in seconds, even if a robots.txt requires a longer delay.
LONGEST_GAP_SECONDS = 300


@dataclass(frozen=True, slots=True)
class _Entry:
    until_us: int
    rules: Protego | None = None
    failure: FetchError | None = None


class Robots:
    """Applies robots.txt files. For hosts in `ignored`, only the delay between requests is enforced."""

    def __init__(
        self,
        fetch: Callable[[str, Visitor], RobotsFile],
        cache: RobotsCache,
        clock: Clock,
        user_agent: str,
        *,
        ignored: Collection[str] = (),
    ) -> None:
        self._fetch = fetch
        self._cache = cache
        self._clock = clock
        self.product = product_token(user_agent)
        self._ignored = frozenset(ignored)
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def permit(self, destination: Destination, visitor: Visitor) -> float:
        """Return the delay between requests that robots.txt requires, in seconds: 0 (none) to 300.

        Raises `RobotsDisallowedError` if robots.txt forbids the URL. If fetching robots.txt failed or returned a 5xx,
        raises that error, because RFC 9309 section 2.3.1.4 then forbids the whole site. A 429 is treated the same way.
        Raises `HostBusyError` if another caller is fetching robots.txt and `visitor` does not wait for it.
        """
        entry = self._entry(destination.origin, visitor)
        is_ignored = destination.host in self._ignored
        if entry.failure is not None and not is_ignored:
            raise _about(destination.url, entry.failure, (entry.until_us - self._clock.now_us()) / 1_000_000)
        if entry.rules is None:
            return 0.0
        if not entry.rules.can_fetch(destination.url, self.product):
            if not is_ignored:
                raise RobotsDisallowedError(destination.url, self.product)
            problem = "Fetching %s although its robots.txt forbids it: FETCH_IGNORE_ROBOTS names its host"
            logger.warning(problem, destination.url)
        return _gap_seconds(entry.rules, self.product)

    def _entry(self, origin: str, visitor: Visitor) -> _Entry:
        with self._lock:
            entry = self._entries.get(origin)
            if entry is not None and entry.until_us > self._clock.now_us():
                self._entries.move_to_end(origin)
                return entry
        entry = _entry_of(f"{origin}/robots.txt", self._cached(origin, visitor))
        with self._lock:
            self._entries[origin] = entry
            self._entries.move_to_end(origin)
            while len(self._entries) > _MAX_ORIGINS:
                self._entries.popitem(last=False)
        return entry

    def _cached(self, origin: str, visitor: Visitor) -> CachedRobots:
        left = visitor.max_wait_seconds
        while (cached := self._cache.get(origin)) is None:
            if self._cache.claim(origin, _CLAIM_SECONDS):
                return self._cache.get(origin) or self._fetch_and_cache(origin, visitor)
            if visitor.can_defer or left <= 0:
                raise HostBusyError(f"{origin}/robots.txt", _COME_BACK_SECONDS, 0.0)
            self._clock.sleep(_LOOK_SECONDS)
            left -= _LOOK_SECONDS
        return cached

    def _fetch_and_cache(self, origin: str, visitor: Visitor) -> CachedRobots:
        try:
            cached = self._read(origin, visitor)
        except BaseException:
            self._cache.release(origin)
            raise
        self._cache.put(origin, cached)
        return cached

    def _read(self, origin: str, visitor: Visitor) -> CachedRobots:
        try:
            file = self._fetch(f"{origin}/robots.txt", visitor)
        except TooManyRedirectsError:
            file = RobotsFile(404)  # RFC 9309 section 2.3.1.2 lets crawlers treat the file as missing
        except FetchError as exc:
            if not _tells_about_site(exc):
                raise
            file = RobotsFile(0, problem=(exc.code, str(exc.facts["reason"])))
        seconds = _TTL_SECONDS
        if file.status == 0:
            seconds = _FAILURE_SECONDS
        elif _must_defer(file):
            seconds = max(_DEFER_SECONDS, min(file.retry_after_seconds or 0.0, _TTL_SECONDS))
        return CachedRobots(file, self._clock.now_us() + round(seconds * 1_000_000))


def _entry_of(url: str, cached: CachedRobots) -> _Entry:
    file = cached.file
    if file.status == 0:
        return _Entry(cached.until_us, failure=file.failure(url))
    if _must_defer(file):
        return _Entry(cached.until_us, failure=TransientHttpStatusError(url, file.status, file.retry_after_seconds))
    if not 200 <= file.status < 300:
        return _Entry(cached.until_us)
    return _Entry(cached.until_us, rules=Protego.parse(file.body.decode("utf-8-sig", errors="replace")))


def _must_defer(file: RobotsFile) -> bool:
    return file.status in (0, 429) or file.status >= 500


def product_token(user_agent: str) -> str:
    """Return the User-Agent's product token, which robots.txt rules refer to (RFC 9309 section 2.2.1)."""
    words = user_agent.replace("/", " ").split()
    return words[0] if words else "*"


def _gap_seconds(rules: Protego, product: str) -> float:
    """Return the delay that robots.txt requires, in seconds.

    The numbers are limited before the division, because they may be huge. A delay of NaN counts as the maximum.
    """
    delay = min(float(LONGEST_GAP_SECONDS), rules.crawl_delay(product) or 0.0)
    rate = rules.request_rate(product)
    if rate is not None and rate.requests > 0:
        delay = max(delay, min(rate.seconds, LONGEST_GAP_SECONDS * rate.requests) / rate.requests)
    return delay


def _tells_about_site(exc: FetchError) -> bool:
    return exc.fact_names == FetchError.fact_names


def _about(url: str, failure: FetchError, left_seconds: float) -> FetchError:
    """Convert the stored error about a site's robots.txt, which expires in `left_seconds`, to one about the page `url`.

    If the error is an HTTP status, the job is retried when the stored error has expired.
    """
    if isinstance(failure, HttpStatusError):
        return TransientHttpStatusError(failure.facts["url"], failure.facts["status"], left_seconds)
    return type(failure)(url, f"{failure.facts['reason']}, while its robots.txt was read")
