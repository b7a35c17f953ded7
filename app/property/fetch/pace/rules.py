"""The pace of one site, as rules without a clock or a place to keep them.

A site has a gap from one request's start to the next one's, a number of requests under way, and a time before which it
wants none (`Retry-After`). Whoever cannot be let in within his patience is given an appointment instead, so that a
worker goes on with other sites. `pace_stores.py` keeps this in a process or for the whole fleet; the scripts below
`lua/` say the same as `Site` does here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

#: how soon to ask again when all places at a site are taken: nobody knows when one of them will be free
POLL_US = 100_000
#: so many wait at a site with a worker in their hand, and as many as get their turn within a second; others come back
WAITERS = 2
WAITED_US = 1_000_000
#: who kept an appointment in vain, since several came at once, gets one within this time, as long as there are any
LATE_US = 10_000_000
#: the site's own slowness: a gap of its latency divided by its places (Scrapy's AutoThrottle,
#: https://docs.scrapy.org/en/latest/topics/autothrottle.html), at once when it grows, an eighth of the way when it
#: falls (RFC 6298 section 2 smooths so)
RECOVERY_SHARE = 8
#: 429 and 503 double the gap, from at least a second
PUSHED_BACK_US = 1_000_000
#: no site is slowed further than this, nor believed for longer when it names a time
SLOWEST_US = 60_000_000
LONGEST_HOLD_US = 3_600_000_000
#: a site that shows a wall (`blocks.py`) is left alone for so long, or as long as it says itself
BLOCK_REST_US = 900_000_000
#: what a site was like is forgotten when nobody has asked for so long
FORGOTTEN_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: `id` is the same when he comes back, `lane` shares a site evenly with other lanes (a batch of jobs).

    `patience_seconds` is the longest that he waits; `comes_back`: an appointment suits him, however soon it is;
    `is_at` is the site where he has a turn already, of which all that he asks there is a part. `asked_site` is the site
    that was asked for, where redirects led him on: a wall at any other is none of its site's doing. `only_public`: a
    public page leads him, so that no network which the operator opened is open to him. `on_turn` is called when he has
    his first turn for the page, before anything is sent; what it raises ends the visit.
    """

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    lane: str = ""
    patience_seconds: float = 60.0
    comes_back: bool = False
    is_at: str = ""
    asked_site: str = ""
    only_public: bool = False
    on_turn: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a site's pace says: come in (`wait_us` 0), ask again after `wait_us`, or, if `is_appointment`, leave and
    come back then. For `held_us` of it the site itself has asked to be left alone."""

    wait_us: int
    is_appointment: bool = False
    held_us: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """How a site took a request. `latency_us` until its headers were there, None if they never were."""

    latency_us: int | None = None
    succeeded: bool = False
    pushed_back: bool = False
    retry_after_us: int | None = None


@dataclass(slots=True)
class Site:
    """All times in microseconds since the epoch; `waiting` and `under_way` hold when a token's lease ends."""

    next_us: int = 0
    hold_until_us: int = 0
    gap_us: int = 0
    slowed_us: int = 0
    late_us: int = 0
    under_way: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    appointed: dict[str, int] = field(default_factory=dict)
    tails: dict[str, int] = field(default_factory=dict)

    def enter(
        self, now: int, token: str, visitor: Visitor, *, asked_gap_us: int, left_us: int, places: int, lease_us: int
    ) -> Reply:
        """Let `token` in, or say when to ask again: at once if that is within `left_us` and few wait already."""
        self._forget(now)
        gap = max(asked_gap_us, self.slowed_us)
        free = max(self.next_us, self.hold_until_us)
        is_full = len(self.under_way) >= places
        if free <= now and not is_full:
            self.gap_us, self.next_us = gap, now + gap
            self.under_way[token] = now + lease_us
            self.waiting.pop(token, None)
            self.appointed.pop(visitor.id, None)
            return Reply(0)
        wait = max(free - now, POLL_US if is_full else 1)
        earliest, held = now + wait, max(0, self.hold_until_us - now)
        if wait <= left_us and (token in self.waiting or len(self.waiting) < max(WAITERS, WAITED_US // max(gap, 1))):
            self.waiting[token] = now + wait + lease_us
            return Reply(wait, held_us=held)
        self.waiting.pop(token, None)
        return Reply(self._appoint(now, visitor, earliest, gap), is_appointment=True, held_us=held)

    def sent(self, now: int, token: str) -> None:
        """The request goes out only now, some time after its turn came: the next one keeps its gap from this."""
        if token in self.under_way:
            self.next_us = max(self.next_us, now + self.gap_us)

    def leave(self, now: int, token: str, answered: Answered, *, places: int) -> None:
        """The request is over; the site sets the pace by how it answered."""
        self.under_way.pop(token, None)
        self.waiting.pop(token, None)
        if answered.pushed_back:
            self.slowed_us = max(2 * max(self.slowed_us, self.gap_us), PUSHED_BACK_US)
        elif answered.latency_us is not None:
            target = answered.latency_us // places
            if target >= self.slowed_us:
                self.slowed_us = target
            elif answered.succeeded:
                self.slowed_us -= (self.slowed_us - target) // RECOVERY_SHARE
        self.slowed_us = min(self.slowed_us, SLOWEST_US)
        if answered.retry_after_us is not None:
            self.hold_until_us = max(self.hold_until_us, now + min(answered.retry_after_us, LONGEST_HOLD_US))

    def is_idle(self, now: int) -> bool:
        """Nothing is lost by forgetting it."""
        return not self.under_way and max(self.next_us, self.hold_until_us, *self.tails.values(), 0) < now

    def _forget(self, now: int) -> None:
        for leases in (self.under_way, self.waiting):
            for token in [token for token, end in leases.items() if end <= now]:
                del leases[token]
        for lane in [lane for lane, tail in self.tails.items() if tail <= now]:
            del self.tails[lane]
        for late in [who for who, at in self.appointed.items() if at <= now - FORGOTTEN_US]:
            del self.appointed[late]

    def _appoint(self, now: int, visitor: Visitor, earliest: int, gap: int) -> int:
        """Microseconds until he is to come back: behind his lane's others, or soon if he kept an appointment."""
        kept = self.appointed.get(visitor.id)
        soon = max(self.late_us, earliest) + gap
        if kept is not None and kept > now + POLL_US:
            at = max(kept, earliest)
        elif kept is not None and soon <= now + max(LATE_US, 2 * gap):
            at = self.late_us = soon
        else:
            at = max(self.tails.get(visitor.lane, 0), earliest)
            lanes = len(self.tails.keys() | {visitor.lane})
            self.tails[visitor.lane] = at + gap * lanes
        self.appointed[visitor.id] = at
        return at - now
