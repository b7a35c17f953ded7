"""Lets requests through at the pace that each site is owed: waits for a short while, or says when to come back."""

from __future__ import annotations

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
from app.property.fetch.pace.rules import BLOCK_REST_US, Answered, Reply, Visitor
from app.property.fetch.pace.stores import PaceStore
from app.property.urls.site import site_of

logger = logging.getLogger(__name__)

#: how soon to ask again when Redis does not answer
_REDIS_RETRY_US = 1_000_000
#: a request that goes out so long after its turn came (names, connections and busy threads take time) moves the next
_LATE_US = 10_000
#: 503 with or without a time, and 429: the site wants less
_PUSHED_BACK = frozenset({429, 503})


class Turn:
    """A request under way at a site; `sent` is told when it goes out, `answered` when its headers are there."""

    def __init__(self, clock: Clock, late: Callable[[], None] | None = None) -> None:
        """`late` is called where the request goes out a good while after the turn began."""
        self._clock = clock
        self._late = late
        self._began_us = clock.now_us()
        self.took = Answered()

    def sent(self) -> None:
        """The request goes out now."""
        if self._late is not None and self._clock.now_us() - self._began_us > _LATE_US:
            self._late()

    def answered(self, status: int, retry_after_seconds: float | None = None) -> None:
        """The site answered with `status`, and perhaps named a time to come back."""
        pushed_back = status in _PUSHED_BACK
        self.took = Answered(
            latency_us=self._clock.now_us() - self._began_us,
            succeeded=200 <= status < 300,
            pushed_back=pushed_back,
            retry_after_us=round(retry_after_seconds * 1_000_000) if pushed_back and retry_after_seconds else None,
        )

    def blocked(self) -> None:
        """The site answered with a wall: all leave it alone for a while."""
        self.took = replace(
            self.took,
            succeeded=False,
            pushed_back=True,
            retry_after_us=max(self.took.retry_after_us or 0, BLOCK_REST_US),
        )

    def broke_off(self) -> None:
        """It failed; if no answer came, the site was at least as slow as this."""
        if self.took.latency_us is None:
            self.took = Answered(latency_us=self._clock.now_us() - self._began_us)


class Politeness:
    """The pace at all sites, for whoever is about to ask one of them."""

    def __init__(self, store: PaceStore, clock: Clock, *, min_gap_seconds: float) -> None:
        self._store = store
        self._clock = clock
        self._min_gap_seconds = min_gap_seconds

    @contextmanager
    def turn(self, destination: Destination, visitor: Visitor, gap_seconds: float = 0.0) -> Iterator[Turn]:
        """Hold a turn at the destination's site; the next request is `gap_seconds` (or the least gap) behind this one.

        A host that asks for more than the least gap is paced by itself: it slows no other host of its site. A wall
        rests the site only where that was asked for: else a redirect to a login of anybody's would rest theirs.
        Networks that the operator opened are not paced, nor is what belongs to a turn that the visitor has. Raises
        `HostBusyError` where the visitor had better come back, `BrokerUnavailableError` where Redis stays away for as
        long as he waits.
        """
        site, token = site_of(destination.host), uuid.uuid4().hex
        if destination.inside or visitor.is_at == site:
            if visitor.on_turn is not None:
                visitor.on_turn()
            yield Turn(self._clock)
            return
        place = f"host:{destination.host}" if gap_seconds > self._min_gap_seconds else site
        self._wait(place, destination, token, visitor, max(gap_seconds, self._min_gap_seconds))
        turn = Turn(self._clock, late=partial(self._sent, place, token))
        if visitor.on_turn is not None:
            try:
                visitor.on_turn()
            except BaseException:
                self._leave(place, token, Answered())
                raise
        try:
            yield turn
        except PageBlockedError:
            if visitor.asked_site in ("", site):
                turn.blocked()
            raise
        except BaseException:
            turn.broke_off()
            raise
        finally:
            self._leave(place, token, turn.took)

    def _wait(self, site: str, destination: Destination, token: str, visitor: Visitor, gap_seconds: float) -> None:
        left = visitor.patience_seconds
        while True:
            reply, outage = self._ask(site, token, visitor, gap_seconds, left)
            seconds = reply.wait_us / 1_000_000
            if seconds <= 0:
                return
            if seconds > left or (reply.is_appointment and visitor.comes_back):
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
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as exc:
            return Reply(_REDIS_RETRY_US), exc

    def _sent(self, site: str, token: str) -> None:
        try:
            self._store.sent(site, token)
        except redis.exceptions.RedisError as exc:
            logger.warning("The next request to %s may come a moment too soon: %s", site, exc)

    def _leave(self, site: str, token: str, took: Answered) -> None:
        try:
            self._store.leave(site, token, took)
        except redis.exceptions.RedisError as exc:
            logger.warning("The turn at %s stays taken until its lease ends: %s", site, exc)
