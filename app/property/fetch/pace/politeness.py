"""Delay requests until the site's rate limit allows them. If the wait is too long, raise an error with its duration."""

import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import redis.exceptions

from app.clock import Clock
from app.errors.broker import BrokerUnavailableError
from app.errors.fetching import HostBusyError
from app.errors.pages import PageBlockedError
from app.property.fetch.guard.check import Destination
from app.property.fetch.pace.rules import BLOCK_REST_US, Reply, RequestOutcome, Visitor
from app.property.fetch.pace.stores import PaceStore
from app.property.urls.site import site_of

logger = logging.getLogger(__name__)

#: How long to wait before a failed request to Redis is repeated.
_REDIS_RETRY_US = 1_000_000
#: If a request is sent later than this after its slot began, the site's next slot is also delayed.
_LATE_US = 10_000
#: HTTP statuses that ask the client to send fewer requests.
_PUSHED_BACK = frozenset({429, 503})


class Slot:
    """A request in progress at a site. The owner calls `sent`, and then `answered` when headers have arrived, or
    `failed`.
    """

    def __init__(self, clock: Clock, late: Callable[[], None] | None = None) -> None:
        """`late` is called if the request is sent more than `_LATE_US` after the slot began."""
        self._clock = clock
        self._late = late
        self._began_us = clock.now_us()
        self.outcome = RequestOutcome()

    def sent(self) -> None:
        if self._late is not None and self._clock.now_us() - self._began_us > _LATE_US:
            self._late()

    def answered(self, status: int, retry_after_seconds: float | None = None) -> None:
        """`retry_after_seconds` is used only with status 429 or 503."""
        pushed_back = status in _PUSHED_BACK
        self.outcome = RequestOutcome(
            latency_us=self._clock.now_us() - self._began_us,
            succeeded=200 <= status < 300 or status == 304,
            pushed_back=pushed_back,
            retry_after_us=round(retry_after_seconds * 1_000_000) if pushed_back and retry_after_seconds else None,
        )

    def blocked(self) -> None:
        """Record a block page, which pauses requests to the site for at least `BLOCK_REST_US`."""
        self.outcome = replace(
            self.outcome,
            succeeded=False,
            pushed_back=True,
            retry_after_us=max(self.outcome.retry_after_us or 0, BLOCK_REST_US),
        )

    def failed(self) -> None:
        """Record that the request failed before a response arrived. Has no effect after `answered`."""
        if self.outcome.latency_us is None:
            self.outcome = RequestOutcome(latency_us=self._clock.now_us() - self._began_us)


class Politeness:
    def __init__(self, store: PaceStore, clock: Clock, *, min_gap_seconds: float) -> None:
        self._store = store
        self._clock = clock
        self._min_gap_seconds = min_gap_seconds

    @contextmanager
    def slot(self, destination: Destination, visitor: Visitor, gap_seconds: float = 0.0) -> Iterator[Slot]:
        """Wait for a slot (permission for a request) at the destination's site, and hold it during the `with` block.

        The site's next slot begins after `gap_seconds` or the minimum gap, whichever is longer. If `gap_seconds` is
        longer, the host gets its own rate limit, so that the other hosts of the site are not slowed down.

        A block page pauses its site only if the first URL was also on this site, because a redirect to another site's
        login must not pause that site. No rate limit applies in private networks that the operator allows, or at a site
        where the visitor already holds a slot. Raises `HostBusyError` if the visitor should come back later, and
        `BrokerUnavailableError` if Redis does not answer while the visitor waits.
        """
        site, token = site_of(destination.host), uuid.uuid4().hex
        if destination.is_private or visitor.slot_site == site:
            if visitor.on_slot is not None:
                visitor.on_slot()
            yield Slot(self._clock)
            return
        place = f"host:{destination.host}" if gap_seconds > self._min_gap_seconds else site
        self._wait(place, destination, token, visitor, max(gap_seconds, self._min_gap_seconds))
        slot = Slot(self._clock, late=partial(self._sent, place, token))
        if visitor.on_slot is not None:
            try:
                visitor.on_slot()
            except BaseException:
                self._leave(place, token, RequestOutcome())
                raise
        try:
            yield slot
        except PageBlockedError:
            if visitor.requested_site in ("", site):
                slot.blocked()
            raise
        except BaseException:
            slot.failed()
            raise
        finally:
            self._leave(place, token, slot.outcome)

    def _wait(self, site: str, destination: Destination, token: str, visitor: Visitor, gap_seconds: float) -> None:
        left = visitor.max_wait_seconds
        while True:
            reply, outage = self._ask(site, token, visitor, gap_seconds, left)
            seconds = reply.wait_us / 1_000_000
            if seconds <= 0:
                return
            if seconds > left or (reply.is_appointment and visitor.can_defer):
                if outage is not None:
                    raise BrokerUnavailableError("REDIS_URL", str(outage)) from outage
                raise HostBusyError(destination.url, seconds, min(seconds, reply.held_us / 1_000_000))
            self._clock.sleep(seconds)
            left -= seconds

    def _ask(
        self, site: str, token: str, visitor: Visitor, gap_seconds: float, left_seconds: float
    ) -> tuple[Reply, redis.exceptions.RedisError | None]:
        try:
            return self._store.enter(site, token, visitor, gap_seconds=gap_seconds, left_seconds=left_seconds), None
        except redis.exceptions.RedisError as exc:  # Redis is unavailable, or rejects writes
            return Reply(_REDIS_RETRY_US), exc

    def _sent(self, site: str, token: str) -> None:
        try:
            self._store.sent(site, token)
        except redis.exceptions.RedisError as exc:
            logger.warning("The next request to %s may be sent too early: %s", site, exc)

    def _leave(self, site: str, token: str, outcome: RequestOutcome) -> None:
        try:
            self._store.leave(site, token, outcome)
        except redis.exceptions.RedisError as exc:
            logger.warning("The slot at %s stays in use until its lease ends: %s", site, exc)
