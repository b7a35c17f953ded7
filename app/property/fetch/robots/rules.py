"""robots.txt (RFC 9309): whether a page may be fetched, and how slowly.

How the file is fetched is the caller's business, who hands in a function; where files are kept is `robots_cache.py`.
Parsed rules are remembered in this process.
"""

from __future__ import annotations

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
from app.property.fetch.robots.cache import Kept, RobotsCache, RobotsFile

logger = logging.getLogger(__name__)

#: RFC 9309 section 2.5: at least 500 KiB must be read; what comes after that may be ignored
MAX_ROBOTS_BYTES = 512 * 1024
#: RFC 9309 section 2.3.1.2: at least five redirects are followed
MAX_ROBOTS_REDIRECTS = 5
_MAX_ORIGINS = 2000
#: rules are believed for so long, and a site that is in trouble is left alone for so long at least
_TTL_SECONDS = 3600.0
_HOLD_OFF_SECONDS = 60.0
#: who reads a file holds the others off for so long, and they look for it so often
_CLAIM_SECONDS = 60.0
_LOOK_SECONDS = 0.1
_COME_BACK_SECONDS = 1.0
#: no host is asked more slowly than this, whatever its robots.txt says
LONGEST_GAP_SECONDS = 300


@dataclass(frozen=True, slots=True)
class _Entry:
    until_us: int
    rules: Protego | None = None
    failure: FetchError | None = None


class Robots:
    """The rules of all sites. `ignored` are the hosts whose rules an operator has set aside: their pace is kept."""

    def __init__(
        self,
        fetch: Callable[[str, Visitor], RobotsFile],
        shelf: RobotsCache,
        clock: Clock,
        user_agent: str,
        *,
        ignored: Collection[str] = (),
    ) -> None:
        self._fetch = fetch
        self._shelf = shelf
        self._clock = clock
        self.product = product_token(user_agent)
        self._ignored = frozenset(ignored)
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def permit(self, destination: Destination, visitor: Visitor) -> float:
        """The gap in seconds that the host asks to keep between requests: 0 (it asks for none) to 300.

        Raises `RobotsDisallowedError`; and where robots.txt answers 429 or 5xx or cannot be reached, an error that
        says so: RFC 9309 section 2.3.1.4 forbids the whole site then, and the page is not fetched.
        """
        entry = self._entry(destination.origin, visitor)
        is_ignored = destination.host in self._ignored
        if entry.failure is not None and not is_ignored:
            raise _about(destination.url, entry.failure)
        if entry.rules is None:
            return 0.0
        if not entry.rules.can_fetch(destination.url, self.product):
            if not is_ignored:
                raise RobotsDisallowedError(destination.url, self.product)
            logger.warning("%s is fetched against its robots.txt: FETCH_IGNORE_ROBOTS names its host", destination.url)
        return _gap_seconds(entry.rules, self.product)

    def _entry(self, origin: str, visitor: Visitor) -> _Entry:
        with self._lock:
            entry = self._entries.get(origin)
            if entry is not None and entry.until_us > self._clock.now_us():
                self._entries.move_to_end(origin)
                return entry
        entry = _entry_of(f"{origin}/robots.txt", self._kept(origin, visitor))
        with self._lock:
            self._entries[origin] = entry
            self._entries.move_to_end(origin)
            while len(self._entries) > _MAX_ORIGINS:
                self._entries.popitem(last=False)
        return entry

    def _kept(self, origin: str, visitor: Visitor) -> Kept:
        """The file from the shelf; else from the site, by the first who asks: the others wait, or come back."""
        left = visitor.patience_seconds
        while (kept := self._shelf.get(origin)) is None:
            if self._shelf.claim(origin, _CLAIM_SECONDS):
                return self._shelf.get(origin) or self._read_for_all(origin, visitor)
            if visitor.comes_back or left <= 0:
                raise HostBusyError(f"{origin}/robots.txt", _COME_BACK_SECONDS, 0.0)
            self._clock.sleep(_LOOK_SECONDS)
            left -= _LOOK_SECONDS
        return kept

    def _read_for_all(self, origin: str, visitor: Visitor) -> Kept:
        try:
            kept = self._read(origin, visitor)
        except BaseException:
            self._shelf.give_up(origin)
            raise
        self._shelf.put(origin, kept)
        return kept

    def _read(self, origin: str, visitor: Visitor) -> Kept:
        try:
            file = self._fetch(f"{origin}/robots.txt", visitor)
        except TooManyRedirectsError:
            file = RobotsFile(404)  # section 2.3.1.2: as if there were none
        except FetchError as exc:
            if not _tells_about_site(exc):
                raise
            file = RobotsFile(0, problem=(exc.code, str(exc.facts["reason"])))
        seconds = _TTL_SECONDS
        if _holds_off(file):
            seconds = max(_HOLD_OFF_SECONDS, min(file.retry_after_seconds or 0.0, _TTL_SECONDS))
        return Kept(file, self._clock.now_us() + round(seconds * 1_000_000))


def _entry_of(url: str, kept: Kept) -> _Entry:
    file = kept.file
    if file.status == 0:
        return _Entry(kept.until_us, failure=file.failure(url))
    if _holds_off(file):
        return _Entry(kept.until_us, failure=TransientHttpStatusError(url, file.status, file.retry_after_seconds))
    if not 200 <= file.status < 300:
        return _Entry(kept.until_us)
    return _Entry(kept.until_us, rules=Protego.parse(file.body.decode("utf-8-sig", errors="replace")))


def _holds_off(file: RobotsFile) -> bool:
    return file.status in (0, 429) or file.status >= 500


def product_token(user_agent: str) -> str:
    """The name by which robots.txt knows a client: `User-Agent` up to the version (RFC 9309 section 2.2.1)."""
    words = user_agent.replace("/", " ").split()
    return words[0] if words else "*"


def _gap_seconds(rules: Protego, product: str) -> float:
    """Compared before anything is computed: both numbers may be too large for that. NaN becomes the longest gap."""
    delay = min(float(LONGEST_GAP_SECONDS), rules.crawl_delay(product) or 0.0)
    rate = rules.request_rate(product)
    if rate is not None and rate.requests > 0:
        delay = max(delay, min(rate.seconds, LONGEST_GAP_SECONDS * rate.requests) / rate.requests)
    return delay


def _tells_about_site(exc: FetchError) -> bool:
    """False for what says nothing about the site, like its host being busy with our own requests."""
    return exc.fact_names == FetchError.fact_names


def _about(url: str, failure: FetchError) -> FetchError:
    """A fresh error for this page from the one remembered for its site's robots.txt."""
    if isinstance(failure, HttpStatusError):
        return type(failure)(*failure.args)
    return type(failure)(url, f"{failure.facts['reason']}, while its robots.txt was read")
