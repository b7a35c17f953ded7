"""Tests of how every key store admits requests, also with reservations, corrected limits, and many keys."""

import itertools
from dataclasses import dataclass

import pytest

from app.clock import ManualClock
from app.keypool.breaker import Policy
from app.keypool.keys import ApiKey, make_keys
from app.keypool.limits import LimitReading, MeterReading
from app.keypool.outcomes import Outcome
from app.keypool.stores.base import Later, Lease, NoCapacity, Settlement, Store
from tests.plugins.redis_fixtures import MakeStore
from tests.plugins.store_steps import (
    EMPTY,
    KEYS,
    MINUTE,
    SECOND,
    A,
    answer,
    ask,
    burst,
    limits,
    of,
    reading,
    refused,
    take,
    wait_until,
)

#: The time between two requests at 600 per minute, in microseconds.
GAP = SECOND // 10
#: The slack for varying latency, in microseconds, of a bucket whose burst is about one request.
JITTER_US = 10_000


def later(reply: Lease | Later | None) -> int:
    assert isinstance(reply, Later), reply
    assert reply.pause_us > 0
    return reply.pause_us


def _corrected(store: Store, clock: ManualClock, places: int) -> list[Lease]:
    """Return `places` reservations 0.1 s apart. After they were made, a response reported that the bucket is empty."""
    answer(store, limits=limits(600, 600))
    clock.advance(10)
    in_flight = burst(store)
    reserved = [take(store, ask(max_wait_us=MINUTE)) for _ in range(places)]
    assert [b.at_us - a.at_us for a, b in itertools.pairwise(reserved)] == [GAP] * (places - 1)
    store.settle(in_flight[-1], Settlement(Outcome.SUCCESS, limits=limits(600, 0)))
    return reserved


def test_a_late_correction_delays_a_reservation(store: Store, clock: ManualClock) -> None:
    """The bucket is emptier than expected, so a request at the reserved time would get a 429."""
    (reserved,) = _corrected(store, clock, 1)
    wait_until(clock, reserved.at_us)
    sent = of(store, A).requests
    pause = later(store.confirm(reserved))
    assert pause > GAP
    clock.advance((pause - 1) / SECOND)
    assert later(store.confirm(reserved)) == 1
    assert of(store, A).requests == sent
    clock.advance(1 / SECOND)
    assert isinstance(store.confirm(reserved), Lease)
    assert of(store, A).requests == sent + 1


def test_reservations_are_sent_in_their_order(store: Store, clock: ManualClock) -> None:
    """After the correction, the reservations are still 0.1 s apart, and a new request comes after the last one."""
    reserved = _corrected(store, clock, 3)
    wait_until(clock, reserved[-1].at_us)
    due = [clock.now_us() + later(store.confirm(lease)) for lease in reserved[::-1]][::-1]
    assert [b - a for a, b in itertools.pairwise(due)] == [GAP, GAP]
    new_request = take(store, ask(max_wait_us=MINUTE))
    assert new_request.at_us >= due[-1] + GAP
    for position, at_us in enumerate(due):
        wait_until(clock, at_us)
        for behind in reserved[position + 1 :]:
            later(store.confirm(behind))
        assert isinstance(store.confirm(reserved[position]), Lease)


@pytest.mark.parametrize("rpm", [60, 600])
def test_a_reservation_is_sent_at_its_time_and_can_be_released(store: Store, clock: ManualClock, rpm: int) -> None:
    """A later reservation can take the time of a released one, even if the key's burst is one request."""
    answer(store, limits=limits(rpm, rpm))
    clock.advance(60)
    burst(store)
    first = take(store, ask(max_wait_us=MINUTE))
    for _ in range(5):
        second = take(store, ask(max_wait_us=MINUTE))
        store.give_back(second)
    assert take(store, ask(max_wait_us=MINUTE)).at_us - second.at_us <= JITTER_US
    wait_until(clock, first.at_us)
    assert isinstance(store.confirm(first), Lease)


def test_a_wait_up_to_the_callers_limit_is_accepted(store: Store, clock: ManualClock) -> None:
    """A wait that exceeds the limit by a microsecond is rejected."""
    answer(store, limits=EMPTY)
    wait = refused(store).retry_after_us
    assert isinstance(store.acquire(ask(max_wait_us=wait - 1)), NoCapacity)
    assert take(store, ask(max_wait_us=wait)).at_us == clock.now_us() + wait


@pytest.mark.parametrize(("pause_us", "survives"), [(2 * SECOND, True), (2 * SECOND + 1, False)])
def test_a_reservation_survives_a_pause_of_up_to_two_seconds(
    store: Store, clock: ManualClock, pause_us: int, survives: bool
) -> None:
    answer(store, limits=limits(600, 600))
    clock.advance(60)
    in_flight = burst(store)[-1]
    reserved = take(store, ask(max_wait_us=MINUTE))
    wait_until(clock, reserved.at_us)
    store.settle(in_flight, Settlement(Outcome.RATE_LIMITED, pause_us=pause_us))
    reply = store.confirm(reserved)
    assert (later(reply) >= pause_us) if survives else reply is None


def test_a_recovered_key_is_usable_for_every_model(pair: Store, clock: ManualClock) -> None:
    """The probes used model `other`. The retry times of earlier requests for model `m` must not apply anymore."""
    for _ in KEYS:
        answer(pair, Outcome.INVALID_KEY)
    refused(pair)
    clock.advance(300)
    for probe in [take(pair, ask(model="other")) for _ in KEYS]:
        pair.settle(probe, Settlement(Outcome.SUCCESS))
    assert {answer(pair).key_id for _ in range(4)} == {k.key_id for k in KEYS}


def test_a_recovered_group_uses_all_its_keys(make_store: MakeStore, clock: ManualClock) -> None:
    keys = make_keys(["sk-a", "sk-b", "sk-c"], "team=1,2,3")
    store = make_store(keys, clock)
    for _ in keys:
        answer(store)
    answer(store, Outcome.QUOTA_EXHAUSTED)
    refused(store)
    clock.advance(300)
    answer(store, request=ask(model="other"))
    assert {answer(store).key_id for _ in range(6)} == {k.key_id for k in keys}


def test_one_good_key_among_many_bad_ones_is_found(make_store: MakeStore, clock: ManualClock) -> None:
    keys = make_keys([f"sk-{n}" for n in range(60)])
    store = make_store(keys, clock)
    bad = [
        Outcome.INVALID_KEY,
        Outcome.RATE_LIMITED,
        Outcome.FORBIDDEN,
        Outcome.QUOTA_EXHAUSTED,
        Outcome.SERVER_FAILURE,
    ]
    good = keys[-1].key_id
    for position in range(59):
        lease = take(store)
        store.settle(lease, Settlement(bad[position % 5]))
    seen = [answer(store).key_id for _ in range(60)]
    assert good in seen
    for _ in range(200):
        lease = take(store)
        store.settle(lease, Settlement(Outcome.SUCCESS if lease.key_id == good else Outcome.INVALID_KEY))
    assert [answer(store).key_id for _ in range(5)] == [good] * 5


def test_a_key_with_capacity_is_preferred_to_a_reservation(make_store: MakeStore, clock: ManualClock) -> None:
    keys = make_keys([f"sk-{n}" for n in range(40)])
    for free in sorted(keys, key=lambda key: key.key_id)[::13]:
        store = make_store(keys, clock, pool=free.key_id)
        for lease in [take(store) for _ in keys]:
            reported = LimitReading() if lease.key_id == free.key_id else EMPTY
            store.settle(lease, Settlement(Outcome.SUCCESS, limits=reported))
        lease = take(store, ask(max_wait_us=MINUTE))
        assert (lease.key_id, lease.reserved) == (free.key_id, False)


def test_a_reservation_uses_the_earliest_key(make_store: MakeStore, clock: ManualClock) -> None:
    """The keys become free in reverse order."""
    keys = make_keys([f"sk-{n}" for n in range(40)])
    store = make_store(keys, clock)
    leases = [take(store) for _ in keys]
    for position, lease in enumerate(leases):
        reported = MeterReading(600, 0, SECOND + (39 - position) * GAP)
        store.settle(lease, Settlement(Outcome.SUCCESS, limits=LimitReading(requests=reported)))
    for _ in range(4):
        refused(store)  # a store may read only a part of the keys per request
    places = [take(store, ask(max_wait_us=MINUTE)) for _ in range(20)]
    assert [place.key_id for place in places[:4]] == [lease.key_id for lease in leases[:-5:-1]]
    assert [place.at_us for place in places] == sorted(place.at_us for place in places)


def test_a_request_that_lost_its_reservation_may_use_the_reserve(store: Store, clock: ManualClock) -> None:
    """A tenth of the burst is kept free for such requests."""
    answer(store, limits=limits(1200, 1200))
    clock.advance(60)
    new_requests = burst(store)
    waited = burst(store, ask(waited=True))
    assert len(new_requests) > len(waited) > 0


def test_keys_of_one_group_share_its_bucket(make_store: MakeStore, clock: ManualClock) -> None:
    one, two = (
        make_store(make_keys(["sk-a"]), clock, pool="one"),
        make_store(make_keys(["sk-a", "sk-b"], "team=1,2"), clock, pool="two"),
    )
    for store in (one, two):
        answer(store, limits=limits(1200, 1200))
        answer(store, limits=limits(1200, 1199))
    clock.advance(60)
    assert len(burst(one)) == len(burst(two))


@pytest.mark.parametrize("outcome", [Outcome.SUCCESS, Outcome.REQUEST_FAULT, Outcome.SERVER_FAILURE])
def test_a_request_above_the_limit_uses_up_a_minute_at_most(store: Store, clock: ManualClock, outcome: Outcome) -> None:
    """The request's estimate is ten times the limit, but the server counts less or rejects the request."""
    full = LimitReading(tokens=reading(30_000, 30_000))
    answer(store, limits=full)
    clock.advance(60)
    for model in ("m", "of unknown limit"):
        answer(store, outcome, ask(tokens=300_000, model=model), limits=full)
    clock.advance(65)
    for model in ("m", "of unknown limit"):
        take(store, ask(tokens=1_000, model=model))


def test_each_model_has_its_own_bucket(store: Store) -> None:
    answer(store, request=ask(model="m"), limits=limits(60, 0))
    assert len(burst(store, ask(model="other"), most=50)) == 50
    assert burst(store, ask(model="m")) == []


@pytest.mark.parametrize("late_us", [0, 400_000])
def test_headers_describe_the_server_s_time_of_admission(store: Store, clock: ManualClock, late_us: int) -> None:
    """The reported reset time begins when the server admits the request, here up to 0.4 s after it was sent."""
    answer(store, limits=limits(600, 600))
    clock.advance(10)
    in_flight = burst(store)
    reserved = take(store, ask(max_wait_us=10 * SECOND))
    reset = len(in_flight) * GAP - late_us
    reported = LimitReading(MeterReading(600, 600 - reset / GAP, reset))
    store.settle(in_flight[-1], Settlement(Outcome.SUCCESS, limits=reported, admitted_after_us=late_us))
    wait_until(clock, reserved.at_us)
    assert isinstance(store.confirm(reserved), Lease)


def test_the_pause_of_a_429_delays_reservations(store: Store, clock: ManualClock) -> None:
    """After the pause, requests are sent at the rate of the limit, without a burst."""
    answer(store, limits=limits(600, 600))
    clock.advance(60)
    answer(store, Outcome.RATE_LIMITED, pause_us=20 * SECOND, limits=limits(600, 580))
    began = clock.now_us()
    places = [take(store, ask(max_wait_us=2 * MINUTE)) for _ in range(3)]
    assert places[0].at_us - began >= 20 * SECOND
    assert [b.at_us - a.at_us for a, b in itertools.pairwise(places)] == [GAP, GAP]


def _round(store: Store, clock: ManualClock) -> int:
    leases = burst(store)
    for lease in leases:
        store.settle(lease, Settlement(Outcome.SUCCESS))
    clock.advance(60)
    return len(leases)


def _refuse_one(store: Store, clock: ManualClock, remaining: float) -> None:
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


def test_429s_for_a_limit_without_headers_reduce_bursts(store: Store, clock: ManualClock) -> None:
    """The server rejects requests because of their tokens, but its headers report only the request limit."""
    answer(store, limits=limits(6_000, 5_999))
    for _ in range(40):
        clock.advance(1)
        answer(store, Outcome.RATE_LIMITED, limited_by="tokens", pause_us=SECOND // 2, limits=limits(6_000, 5_999))
    clock.advance(0.5)
    assert len(burst(store, most=50)) <= 2


def test_a_429_that_agrees_with_its_headers_does_not_change_bursts(make_store: MakeStore, clock: ManualClock) -> None:
    store = _started_store(make_store, clock)
    before = [_round(store, clock) for _ in range(60)][-1]
    _refuse_one(store, clock, remaining=0)
    clock.advance(60)
    assert _round(store, clock) >= before


#: More keys than a store reads per admission.
MANY = 100


def _open_circuit(store: Store, key: ApiKey, keys: tuple[ApiKey, ...]) -> None:
    others = frozenset(other.key_id for other in keys if other is not key)
    for _ in range(Policy().failure_threshold):
        answer(store, Outcome.SERVER_FAILURE, ask(barred=others))


@pytest.mark.parametrize("position", [0, MANY // 2, MANY - 1])
def test_the_only_healthy_key_among_many_open_circuits_is_found(
    make_store: MakeStore, clock: ManualClock, position: int
) -> None:
    """The index lists every other key as usable at first. Each request corrects a part of it."""
    keys = make_keys([f"sk-{n}" for n in range(MANY)])
    store = make_store(keys, clock)
    for _ in keys:
        answer(store)
    for n, key in enumerate(keys):
        if n != position:
            _open_circuit(store, key, keys)
            store.act(key.key_id, "disable")
            store.act(key.key_id, "enable")
    for _ in range(MANY):
        found = store.acquire(ask(max_wait_us=SECOND))
        if isinstance(found, Lease):
            break
        assert isinstance(found, Later), found
        clock.advance(found.pause_us / SECOND)
    assert isinstance(found, Lease)
    assert (found.key_id, found.last_resort) == (keys[position].key_id, False)


def test_a_request_with_only_open_circuits_is_a_last_resort(make_store: MakeStore, clock: ManualClock) -> None:
    keys = make_keys([f"sk-{n}" for n in range(MANY)])
    store = make_store(keys, clock)
    for _ in keys:
        answer(store)
    for key in keys:
        _open_circuit(store, key, keys)
    lease = take(store)
    assert (lease.last_resort, lease.probe) == (True, True)


@dataclass
class FailedOver:
    """A clock that is ahead by `ahead_us`, as after a failover to another server."""

    first: ManualClock
    ahead_us: int = 0

    def now_us(self) -> int:
        return self.first.now_us() + self.ahead_us


def test_a_clock_set_back_delays_requests_by_the_difference(make_store: MakeStore, clock: ManualClock) -> None:
    """The burst of ten requests is used up before the clock goes back by a minute."""
    server = FailedOver(clock)
    store = _used_up(make_store, server)
    before = refused(store).retry_after_us
    server.ahead_us = -60 * SECOND
    after = refused(store).retry_after_us
    assert after == before + 61 * SECOND
    clock.advance(after / SECOND)
    take(store)


def test_a_clock_set_forward_admits_at_most_one_burst(make_store: MakeStore, clock: ManualClock) -> None:
    server = FailedOver(clock)
    store = _used_up(make_store, server)
    server.ahead_us = 3600 * SECOND
    burst = 0
    while isinstance(store.acquire(ask()), Lease):
        burst += 1
    assert burst <= 10


def _used_up(make_store: MakeStore, server: FailedOver) -> Store:
    store = make_store(make_keys(["sk-a"]), server)
    answer(store, limits=LimitReading(MeterReading(60, 0, 10 * SECOND)))
    return store
