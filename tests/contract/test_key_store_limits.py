"""How every key store adapts bursts to 429 responses."""

from __future__ import annotations

from app.clock import ManualClock
from app.keypool.keys import make_keys
from app.keypool.limits import LimitReading
from app.keypool.outcomes import Outcome
from app.keypool.stores.base import Settlement, Store
from tests.plugins.redis_fixtures import MakeStore
from tests.plugins.store_steps import SECOND, answer, burst, reading

# --- slow start: headers describe a minute, but servers may enforce seconds -------------------------------------------


def _round(store: Store, clock: ManualClock) -> int:
    """Return how many requests a full bucket admits at once. All succeed, and a minute passes."""
    leases = burst(store)
    for lease in leases:
        store.settle(lease, Settlement(Outcome.SUCCESS))
    clock.advance(60)
    return len(leases)


def _refuse_one(store: Store, clock: ManualClock, remaining: float) -> None:
    """Settle a request with a 429 whose headers report `remaining` requests, and let a minute pass."""
    reported = LimitReading(reading(600, remaining), reading(60_000_000, 59_990_000))
    answer(store, Outcome.RATE_LIMITED, pause_us=SECOND, limits=reported, limited_by="requests")
    clock.advance(60)


def _started_store(make_store: MakeStore, clock: ManualClock) -> Store:
    store = make_store(make_keys(["sk-a"]), clock)
    answer(store, limits=LimitReading(reading(600, 599), reading(60_000_000, 60_000_000)))
    clock.advance(60)
    return store


def test_bursts_start_at_one_second_of_the_limit_and_grow_with_use(make_store: MakeStore, clock: ManualClock) -> None:
    store = _started_store(make_store, clock)
    rounds = [_round(store, clock) for _ in range(60)]
    assert 1 <= rounds[0] <= 10
    assert rounds == sorted(rounds)
    assert rounds[0] + 2 <= rounds[-1] < 480


def test_unused_bursts_do_not_grow(make_store: MakeStore, clock: ManualClock) -> None:
    store, idle = (_started_store(lambda *a, pool=pool: make_store(*a, pool=pool), clock) for pool in ("used", "idle"))
    for _ in range(200):
        answer(idle)
        clock.advance(1)
    clock.advance(60)
    assert len(burst(idle)) == len(burst(store))


def test_a_429_that_contradicts_its_headers_reduces_bursts_for_ten_minutes(
    make_store: MakeStore, clock: ManualClock
) -> None:
    store = _started_store(make_store, clock)
    before = [_round(store, clock) for _ in range(60)][-1]
    _refuse_one(store, clock, remaining=590)
    rounds = [_round(store, clock) for _ in range(40)]
    assert rounds[0] < before
    assert set(rounds[:9]) == {rounds[0]}
    assert rounds[-1] > rounds[0]


def test_a_429_that_agrees_with_its_headers_does_not_change_bursts(make_store: MakeStore, clock: ManualClock) -> None:
    store = _started_store(make_store, clock)
    before = [_round(store, clock) for _ in range(60)][-1]
    _refuse_one(store, clock, remaining=0)
    clock.advance(60)
    assert _round(store, clock) >= before
