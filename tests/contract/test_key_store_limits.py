"""What a key store learns: how large bursts may be, and what a provider charges for a request. On every store."""

from __future__ import annotations

import pytest

from app.clock import ManualClock
from app.keypool.keys import make_keys
from app.keypool.limits import MINUTE_US, LimitReading, MeterReading
from app.keypool.outcomes import Outcome
from app.keypool.stores.base import Lease, Settlement, Store
from tests.plugins.redis_fixtures import MakeStore
from tests.plugins.store_steps import SECOND, answer, ask, burst, reading, take

# --- slow start: headers may speak of a minute while a second is enforced -------------------------------------------


def _round(store: Store, clock: ManualClock) -> int:
    """How many go at once on a full bucket; all succeed, and a minute passes."""
    leases = burst(store)
    for lease in leases:
        store.settle(lease, Settlement(Outcome.SUCCESS))
    clock.advance(60)
    return len(leases)


def _refuse_one(store: Store, clock: ManualClock, remaining: float) -> None:
    """A 429 whose headers speak of so many requests left; then a minute passes."""
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


# --- what the provider charges ---------------------------------------------------------------------------------------


class Provider:
    """A token bucket at the other end, which charges `factor` times our estimate of the input."""

    def __init__(self, per_minute: float, factor: float) -> None:
        self.interval = MINUTE_US / per_minute
        self.per_minute = per_minute
        self.factor = factor
        self.full_at = 0.0

    def charge(self, now_us: int, input_tokens: float, output_tokens: float) -> LimitReading:
        self.full_at = max(self.full_at, now_us) + (input_tokens * self.factor + output_tokens) * self.interval
        reset = self.full_at - now_us
        return LimitReading(tokens=MeterReading(self.per_minute, self.per_minute - reset / self.interval, round(reset)))

    def serve(self, store: Store, clock: ManualClock, tokens: float, **more: object) -> Lease:
        """One request, sent, charged and settled at this moment."""
        request = ask(tokens=tokens, **more)
        lease = take(store, request)
        said = self.charge(clock.now_us(), tokens, request.output_tokens)
        store.settle(lease, Settlement(Outcome.SUCCESS, limits=said))
        return lease


def test_the_estimate_moves_towards_what_the_provider_charges(make_store: MakeStore, clock: ManualClock) -> None:
    store, provider = make_store(make_keys(["sk-a"]), clock), Provider(600_000, 1.5)
    charges = []
    for _ in range(400):
        charges.append(provider.serve(store, clock, 1000).tokens)
        clock.advance(2)
    assert charges[0] == 1000
    assert charges == sorted(charges)
    assert charges[40] > 1050
    assert charges[-1] == pytest.approx(1500, rel=0.1)


def test_the_estimate_comes_down_as_well(make_store: MakeStore, clock: ManualClock) -> None:
    store, provider = make_store(make_keys(["sk-a"]), clock), Provider(600_000, 0.5)
    charges = []
    for _ in range(30):
        charges.append(provider.serve(store, clock, 200_000).tokens)
        clock.advance(120)
    assert charges == sorted(charges, reverse=True)
    assert 100_000 <= charges[-1] < 190_000


def test_what_was_learned_is_the_model_s_and_not_the_key_s_or_the_output_s(
    make_store: MakeStore, clock: ManualClock
) -> None:
    store, provider = make_store(make_keys(["sk-a", "sk-b"]), clock), Provider(600_000, 1.5)
    only_a = frozenset(s.key_id for s in store.snapshot()[1:])
    for _ in range(60):
        lease = provider.serve(store, clock, 1000, barred=only_a)
        clock.advance(2)
    assert take(store, ask(tokens=1000, barred=frozenset({lease.key_id}))).tokens > 1100
    assert take(store, ask(tokens=0, output_tokens=500, model="m", barred=only_a)).tokens == 500
    assert take(store, ask(tokens=1000, model="other", barred=only_a)).tokens == 1000


def test_an_honest_provider_leaves_the_estimate_alone(make_store: MakeStore, clock: ManualClock) -> None:
    store, provider = make_store(make_keys(["sk-a"]), clock), Provider(600_000, 1.0)
    charges = []
    for _ in range(50):
        charges.append(provider.serve(store, clock, 1000, output_tokens=50).tokens)
        clock.advance(2)
    assert set(charges) == {1050}
