"""How every key store estimates the rate limit of a provider without rate limit headers (vLLM, many gateways)."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from app.clock import ManualClock
from app.keypool.call import Call
from app.keypool.keys import make_keys
from app.keypool.limits import LimitReading
from app.keypool.outcomes import Outcome
from app.keypool.pool import KeyPool, Pause, Send
from app.keypool.stores.base import Lease, NoCapacity, Settlement, Store
from tests.plugins.redis_fixtures import MakeStore
from tests.plugins.store_steps import MINUTE, SECOND, answer, ask, burst, reading, refused, take


def _refuse(store: Store, **facts: object) -> None:
    answer(store, Outcome.RATE_LIMITED, **facts)


def _send_accepted(store: Store, clock: ManualClock) -> None:
    for _ in range(30):
        answer(store)
        clock.advance(0.1)


def test_a_429_without_a_time_pauses_the_key_according_to_its_estimated_rate(store: Store, clock: ManualClock) -> None:
    _send_accepted(store, clock)
    _refuse(store)
    assert 50_000 <= refused(store).retry_after_us <= 150_000, "the rate is about ten per second"
    (pause_left_us,) = (seen.rests_us for seen in store.snapshot())
    assert 50_000 <= pause_left_us <= 150_000


def test_refused_requests_do_not_count_for_the_estimate(store: Store, clock: ManualClock) -> None:
    for _ in range(3):
        _refuse(store, pause_us=SECOND // 10)
        clock.advance(0.2)
    _refuse(store)
    assert refused(store).retry_after_us >= MINUTE


def test_a_retry_time_from_the_provider_is_used(store: Store, clock: ManualClock) -> None:
    _send_accepted(store, clock)
    _refuse(store, pause_us=7 * SECOND)
    clock.advance(7 - 0.001)
    assert refused(store).retry_after_us <= 1_000
    clock.advance(0.001)
    take(store)
    assert 50_000 <= refused(store).retry_after_us <= 150_000, "the next requests must be spaced"


def test_a_key_recovers_from_many_429s(store: Store, clock: ManualClock) -> None:
    """For two minutes, the provider rejects every request with a retry time of one second."""
    _send_accepted(store, clock)
    for _ in range(120):
        if isinstance(lease := store.acquire(ask()), Lease):
            store.settle(lease, Settlement(Outcome.RATE_LIMITED, pause_us=SECOND))
        clock.advance(1)
    clock.advance(60)
    answer(store)
    assert refused(store).retry_after_us <= 61 * SECOND


def test_a_fading_count_does_not_pause_the_key_for_hours(store: Store, clock: ManualClock) -> None:
    answer(store)
    clock.advance(2 - 0.0001)
    _refuse(store)
    assert refused(store).retry_after_us <= MINUTE


def test_a_reduced_rate_voids_reservations(store: Store, clock: ManualClock) -> None:
    _send_accepted(store, clock)
    _refuse(store)
    clock.advance(1)
    sent = take(store)
    reserved = take(store, ask(10 * SECOND))
    assert reserved.reserved
    store.settle(sent, Settlement(Outcome.RATE_LIMITED))
    clock.advance(1)
    assert store.confirm(reserved) is None


def test_later_headers_replace_the_estimate(store: Store, clock: ManualClock) -> None:
    _send_accepted(store, clock)
    _refuse(store)
    clock.advance(1)
    answer(store, limits=LimitReading(reading(6_000, 5_999)))
    clock.advance(1)
    assert len(burst(store)) > 50


class TokenBucket:
    """A provider that allows `per_second` requests per second and a burst of `burst`."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._rate, self._burst, self._left, self._at_us = per_second, burst, burst, 0

    def admits(self, now_us: int) -> bool:
        self._left = min(self._burst, self._left + (now_us - self._at_us) / SECOND * self._rate)
        self._at_us = now_us
        accepted = self._left >= 1
        self._left -= accepted
        return accepted


class SlidingWindow:
    """A provider that allows `per_second` requests within any period of one second."""

    def __init__(self, per_second: int) -> None:
        self._most, self._taken = per_second, deque[int]()

    def admits(self, now_us: int) -> bool:
        while self._taken and self._taken[0] <= now_us - SECOND:
            self._taken.popleft()
        accepted = len(self._taken) < self._most
        if accepted:
            self._taken.append(now_us)
        return accepted


class FixedWindow:
    """A provider that allows `per_second` requests within each second of the clock."""

    def __init__(self, per_second: int) -> None:
        self._most, self._second, self._taken = per_second, 0, 0

    def admits(self, now_us: int) -> bool:
        if now_us // SECOND != self._second:
            self._second, self._taken = now_us // SECOND, 0
        self._taken += 1
        return self._taken <= self._most


type Provider = TokenBucket | SlidingWindow | FixedWindow


@dataclass
class Traffic:
    """Callers that send a request after each response, waiting up to 30 s. The first 15 s are not counted."""

    pool: KeyPool
    clock: ManualClock
    providers: dict[str, Provider]
    pause_us: int | None
    random: random.Random = field(default_factory=lambda: random.Random(7))
    accepted: int = 0
    rejected: int = 0
    failed: int = 0

    def run(self, callers: int, seconds: int) -> None:
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        begin = self.clock.now_us()
        self._counted_from = begin + 15 * SECOND
        for _ in range(callers):
            self._later(self.random.uniform(0, 0.1), self._call)
        while self._queue[0][0] < begin + seconds * SECOND:
            at_us, _, step = heapq.heappop(self._queue)
            self.clock.advance((at_us - self.clock.now_us()) / SECOND)
            step()

    def _later(self, seconds: float, step: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.clock.now_us() + round(seconds * SECOND), next(self._numbers), step))

    def _call(self) -> None:
        self._step(Call("m", 10, 30 * SECOND, len(self.providers)))

    def _step(self, call: Call) -> None:
        match self.pool.step(call):
            case Pause(seconds):
                self._later(seconds + self.random.uniform(0.0002, 0.004), lambda: self._step(call))
            case Send() as send:
                self._later(self.random.uniform(0.0005, 0.003), lambda: self._arrive(call, send))
            case NoCapacity():
                self._count(failed=1)
                self._later(1, self._call)

    def _arrive(self, call: Call, send: Send) -> None:
        if self.providers[send.key.key_id].admits(self.clock.now_us()):
            self._later(self.random.uniform(0.2, 0.6), lambda: self._succeed(call, send))
        else:
            self._later(self.random.uniform(0.002, 0.01), lambda: self._reject(call, send))

    def _succeed(self, call: Call, send: Send) -> None:
        self._count(accepted=1)
        self.pool.settle(call, send.lease, Settlement(Outcome.SUCCESS))
        self._call()

    def _reject(self, call: Call, send: Send) -> None:
        self._count(rejected=1)
        assert self.pool.settle(call, send.lease, Settlement(Outcome.RATE_LIMITED, pause_us=self.pause_us))
        self._step(call)

    def _count(self, **more: int) -> None:
        if self.clock.now_us() >= self._counted_from:
            for name, count in more.items():
                setattr(self, name, getattr(self, name) + count)


#: Per provider: the number of keys, the requests per second of one key, and a function that creates one key's provider.
PROVIDERS: dict[str, tuple[int, int, Callable[[], Provider]]] = {
    "3 buckets of 5": (3, 5, lambda: TokenBucket(5, 5)),
    "3 buckets of 300": (3, 5, lambda: TokenBucket(5, 300)),
    "3 sliding windows": (3, 5, lambda: SlidingWindow(5)),
    "3 fixed windows": (3, 5, lambda: FixedWindow(5)),
    "1 bucket": (1, 10, lambda: TokenBucket(10, 10)),
    "1 sliding window": (1, 10, lambda: SlidingWindow(10)),
}


@pytest.mark.long
@pytest.mark.parametrize("backend", ["memory"], indirect=True)
@pytest.mark.parametrize(
    ("name", "pause_us"),
    [*((name, None) for name in PROVIDERS), ("3 buckets of 300", SECOND), ("1 sliding window", SECOND)],
)
def test_a_provider_without_headers_is_used_to_its_limit_with_few_rejections(
    make_store: MakeStore, clock: ManualClock, name: str, pause_us: int | None
) -> None:
    """30 callers succeed, use at least 80% of the limit, and get at most one 429 per five successes.

    `pause_us` is the retry time in a 429.
    """
    keys, per_second, provider = PROVIDERS[name]
    configured = make_keys([f"sk-{n}" for n in range(keys)])
    pool = KeyPool(configured, make_store(configured, clock), "round_robin")
    traffic = Traffic(pool, clock, {key.key_id: provider() for key in configured}, pause_us)
    traffic.run(30, 75)
    assert traffic.failed == 0
    assert traffic.rejected <= 0.2 * traffic.accepted
    assert traffic.accepted >= 0.8 * keys * per_second * 60
