"""The rules of one site's rate limit. They use no clock and no storage.

A site has a gap between the starts of requests, a maximum number of concurrent requests, and sometimes a pause
(`Retry-After`). If a job would have to wait too long, a start time is reserved for its request (an appointment), and
its worker continues with other sites. `stores.py` stores this state. The Lua scripts in `lua/` implement the same rules
as `Site`.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from app.property.fetch.guard.check import Permission, anywhere

#: How long a visitor waits before it tries again while the site's maximum number of concurrent requests is running.
POLL_US = 100_000
#: Maximum number of visitors that wait for a site at the same time. More may wait if more requests can start within
#: `WAITED_US`. Other visitors come back later.
WAITERS = 2
WAITED_US = 1_000_000
#: A visitor that got no slot at its reserved time gets a new time within this period, or within two gaps if they are
#: longer. If no such time is free, the visitor goes to the end of the queue.
LATE_US = 10_000_000
#: The gap adapts to the site's latency divided by the maximum number of concurrent requests, as in Scrapy's
#: AutoThrottle (https://docs.scrapy.org/en/latest/topics/autothrottle.html). The gap grows to this value at once. If
#: the value is lower, each success moves the gap down by an eighth of the difference, as in RFC 6298 section 2.
RECOVERY_SHARE = 8
#: Status 429 or 503 doubles the gap, which is then at least this long.
PUSHED_BACK_US = 1_000_000
#: The longest gap that latency and the statuses 429 and 503 can cause, and the longest pause that a site can request.
SLOWEST_US = 60_000_000
LONGEST_HOLD_US = 3_600_000_000
#: The pause after a block page (`decode/block_pages.py`), unless the site requests a longer one.
BLOCK_REST_US = 900_000_000
#: In Redis, a site's state expires this long after its last request, pause, or reserved time. Unused reserved times are
#: dropped this long after they have passed.
FORGOTTEN_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Visitor:
    """A caller of the fetcher, usually a job, and its limits.

    `id` stays the same when the visitor comes back. `lane` names a batch of jobs; all lanes get equal shares of a
    site's slots. `max_wait_seconds` is the longest wait for a slot. If `can_defer`, the visitor does not wait for a
    reserved time, but leaves and comes back. No rate limit applies at `slot_site`, where the visitor already holds a
    slot. After a redirect, `requested_site` is the site of the first URL; a block page on another site does not pause
    that other site. `may_enter` decides which private networks, of those that the operator allows, each request may
    enter. `on_slot` is called when the page gets its first slot, before anything is sent; its exceptions end the
    visit.
    """

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    lane: str = ""
    max_wait_seconds: float = 60.0
    can_defer: bool = False
    slot_site: str = ""
    requested_site: str = ""
    may_enter: Permission = anywhere
    on_slot: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a visitor that wants to start a request. The visitor starts it now if `wait_us` is 0, or tries
    again after `wait_us`.

    If `is_appointment`, a start time is reserved, and the visitor should leave and come back after `wait_us`. `held_us`
    is the part of the wait that the site itself requested.
    """

    wait_us: int
    is_appointment: bool = False
    held_us: int = 0


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """`latency_us` is the time until the response headers or a failure, or None if no request was sent."""

    latency_us: int | None = None
    succeeded: bool = False
    pushed_back: bool = False
    retry_after_us: int | None = None


@dataclass(slots=True)
class Site:
    """The rate-limit state of one site. Times are in microseconds since the epoch, and gaps in microseconds.

    `waiting` and `under_way` map the tokens of requests to the times when their leases end. `appointed` maps visitors
    to their reserved times. `tails` maps lanes to the times when their queues end. `late_us` is the latest time
    reserved for a visitor that had missed its previous one.
    """

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
        """Start the request `token`, or return when to try again. Reserve that time if the visitor should not wait.

        After a redirect, the visitor waits, and the next free slot is reserved for it. A visitor that came back later
        would have to repeat the request for the first URL.
        """
        self._forget(now)
        gap = max(asked_gap_us, self.slowed_us)
        reserved_until = self.waiting.get(token) if visitor.requested_site else None
        free = max(self.next_us if reserved_until is None else reserved_until - lease_us, self.hold_until_us)
        is_full = len(self.under_way) >= places
        if token in self.under_way or (free <= now and not is_full):  # the reply to an earlier call may be lost
            self.gap_us, self.next_us = gap, max(self.next_us, now + gap)
            self.under_way[token] = now + lease_us
            self.waiting.pop(token, None)
            self.appointed.pop(visitor.id, None)
            return Reply(0)
        wait = max(free - now, POLL_US if is_full else 1)
        earliest, held = now + wait, max(0, self.hold_until_us - now)
        has_room = token in self.waiting or len(self.waiting) < max(WAITERS, WAITED_US // max(gap, 1))
        if wait <= left_us and (has_room or visitor.requested_site):
            if visitor.requested_site and reserved_until is None:
                self.next_us = earliest + gap
            self.waiting[token] = earliest + lease_us
            return Reply(wait, held_us=held)
        self.waiting.pop(token, None)
        return Reply(self._appoint(now, visitor, earliest, gap), is_appointment=True, held_us=held)

    def sent(self, now: int, token: str) -> None:
        """Record that the request is sent later than its slot began. The gap to the next request starts now."""
        if token in self.under_way:
            self.next_us = max(self.next_us, now + self.gap_us)

    def leave(self, now: int, token: str, outcome: RequestOutcome, *, places: int) -> None:
        """Record the end of a request, and adapt the gap to its outcome."""
        self.under_way.pop(token, None)
        self.waiting.pop(token, None)
        if outcome.pushed_back:
            self.slowed_us = max(2 * max(self.slowed_us, self.gap_us), PUSHED_BACK_US)
        elif outcome.latency_us is not None:
            target = outcome.latency_us // places
            if target >= self.slowed_us:
                self.slowed_us = target
            elif outcome.succeeded:
                self.slowed_us -= (self.slowed_us - target) // RECOVERY_SHARE
        self.slowed_us = min(self.slowed_us, SLOWEST_US)
        if outcome.retry_after_us is not None:
            self.hold_until_us = max(self.hold_until_us, now + min(outcome.retry_after_us, LONGEST_HOLD_US))

    def is_idle(self, now: int) -> bool:
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
        """Reserve a start time for the visitor's next request, and return the microseconds until then.

        A reserved time in the future is kept. A visitor that missed its time gets an early new one, if possible. Other
        visitors get a time at the end of their lane's queue.
        """
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
