"""What a key store learns about bursts and charges. On every store."""

from __future__ import annotations

from app.clock import ManualClock
from app.keypool.keys import make_keys
from app.keypool.limits import LimitReading
from app.keypool.outcomes import Outcome
from app.keypool.stores.base import Settlement, Store
from tests.plugins.redis_fixtures import MakeStore
from tests.plugins.store_steps import SECOND, answer, burst, reading

# --- slow start: headers may speak of a minute while a second is enforced -------------------------------------------


def _round(store: Store, clock: ManualClock) -> int:
    """Return how many requests are admitted at once with a full bucket. All succeed, and a minute passes."""
    leases = burst(store)
    for lease in leases:
        store.settle(lease, Settlement(Outcome.SUCCESS))
    clock.advance(60)
    return len(leases)


def _refuse_one(store: Store, clock: ManualClock, remaining: float) -> None:
    """Settle with a 429 whose headers report remaining requests, and let a minute pass."""
    said = LimitReading(reading(600, remaining), reading(60_000_000, 59_990_000))
    answer(store, Outcome.RATE_LIMITED, pause_us=SECOND, limits=said, limited_by="requests")
    clock.advance(60)


def _started(make_store: MakeStore, clock: ManualClock) -> Store:
    store = make_store(make_keys(["sk-a"]), clock)
    answer(store, limits=LimitReading(reading(600, 599), reading(60_000_000, 60_000_000)))
    clock.advance(60)
    return store


def test_bursts_begin_at_a_second_s_worth_and_grow_while_they_are_used(
    make_store: MakeStore, clock: ManualClock
) -> None:
    store = _started(make_store, clock)
    rounds = [_round(store, clock) for _ in range(60)]
    assert 1 <= rounds[0] <= 10
    assert rounds == sorted(rounds)
    assert rounds[0] + 2 <= rounds[-1] < 480


def test_bursts_that_are_not_used_do_not_grow(make_store: MakeStore, clock: ManualClock) -> None:
    store, idle = (_started(lambda *a, pool=pool: make_store(*a, pool=pool), clock) for pool in ("used", "idle"))
    for _ in range(200):
        answer(idle)
        clock.advance(1)
    clock.advance(60)
    assert len(burst(idle)) == len(burst(store))


def test_a_429_against_the_headers_word_makes_bursts_smaller_for_ten_minutes(
    make_store: MakeStore, clock: ManualClock
) -> None:
    store = _started(make_store, clock)
    before = [_round(store, clock) for _ in range(60)][-1]
    _refuse_one(store, clock, remaining=590)
    rounds = [_round(store, clock) for _ in range(40)]
    assert rounds[0] < before
    assert set(rounds[:9]) == {rounds[0]}
    assert rounds[-1] > rounds[0]


def test_a_429_that_the_headers_explain_leaves_bursts_as_they_are(make_store: MakeStore, clock: ManualClock) -> None:
    store = _started(make_store, clock)
    before = [_round(store, clock) for _ in range(60)][-1]
    _refuse_one(store, clock, remaining=0)
    clock.advance(60)
    assert _round(store, clock) >= before
