"""How every key store admits requests: reservations, corrections, and many keys."""

from __future__ import annotations

import itertools

import pytest

from app.clock import ManualClock
from app.keypool.keys import make_keys
from app.keypool.limits import LimitReading, MeterReading
from app.keypool.outcomes import Outcome
from app.keypool.stores.base import Later, Lease, NoCapacity, Settlement, Store
from tests.plugins.redis_fixtures import MakeStore
from tests.plugins.store_steps import MINUTE, NO_ROOM, SECOND, answer, ask, burst, limits, of, refused, take, wait_until

#: The time between two requests at 600 per minute, in microseconds.
GAP = SECOND // 10
#: The time that a bucket with a burst of about one request reserves for varying latency, in microseconds.
JITTER_US = 10_000


def later(reply: Lease | Later | None) -> int:
    assert isinstance(reply, Later), reply
    assert reply.pause_us > 0
    return reply.pause_us


def _corrected(store: Store, clock: ManualClock, places: int) -> list[Lease]:
    """Return `places` reservations 0.1 s apart. After they were made, a response has reported an empty bucket."""
    answer(store, limits=limits(600, 600))
    clock.advance(10)
    in_flight = burst(store)
    reserved = [take(store, ask(max_wait_us=MINUTE)) for _ in range(places)]
    assert [b.at_us - a.at_us for a, b in itertools.pairwise(reserved)] == [GAP] * (places - 1)
    store.settle(in_flight[-1], Settlement(Outcome.SUCCESS, limits=limits(600, 0)))
    return reserved


def test_a_late_correction_delays_a_reservation(make_store: MakeStore, clock: ManualClock) -> None:
    """The bucket is emptier than expected, so sending at the reserved time would cause a 429."""
    keys = make_keys(["sk-a"])
    store = make_store(keys, clock)
    (reserved,) = _corrected(store, clock, 1)
    wait_until(clock, reserved.at_us)
    sent = of(store, keys[0]).requests
    pause = later(store.confirm(reserved))
    assert pause > GAP
    clock.advance((pause - 1) / SECOND)
    assert later(store.confirm(reserved)) == 1
    assert of(store, keys[0]).requests == sent
    clock.advance(1 / SECOND)
    assert isinstance(store.confirm(reserved), Lease)
    assert of(store, keys[0]).requests == sent + 1


def test_reservations_are_sent_in_their_order(make_store: MakeStore, clock: ManualClock) -> None:
    """After the correction, the three reservations are still 0.1 s apart, and a new request comes after them."""
    store = make_store(make_keys(["sk-a"]), clock)
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
def test_a_reservation_is_sent_at_its_time_and_can_be_released(
    make_store: MakeStore, clock: ManualClock, rpm: int
) -> None:
    """A released reservation frees its time for the next one, even on a key with a burst of one request."""
    store = make_store(make_keys(["sk-a"]), clock)
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


def test_a_wait_up_to_the_callers_limit_is_accepted(make_store: MakeStore, clock: ManualClock) -> None:
    """A wait that exceeds the limit by one microsecond is refused."""
    store = make_store(make_keys(["sk-a"]), clock)
    answer(store, limits=NO_ROOM)
    wait = refused(store).retry_after_us
    assert isinstance(store.acquire(ask(max_wait_us=wait - 1)), NoCapacity)
    assert take(store, ask(max_wait_us=wait)).at_us == clock.now_us() + wait


@pytest.mark.parametrize(("pause_us", "survives"), [(2 * SECOND, True), (2 * SECOND + 1, False)])
def test_a_reservation_survives_a_pause_of_up_to_two_seconds(
    make_store: MakeStore, clock: ManualClock, pause_us: int, survives: bool
) -> None:
    store = make_store(make_keys(["sk-a"]), clock)
    answer(store, limits=limits(600, 600))
    clock.advance(60)
    in_flight = burst(store)[-1]
    reserved = take(store, ask(max_wait_us=MINUTE))
    wait_until(clock, reserved.at_us)
    store.settle(in_flight, Settlement(Outcome.RATE_LIMITED, pause_us=pause_us))
    reply = store.confirm(reserved)
    assert (later(reply) >= pause_us) if survives else reply is None


def test_a_recovered_key_is_usable_for_every_model(make_store: MakeStore, clock: ManualClock) -> None:
    """The probes use another model. Requests for this model must not wait for the time of their earlier refusal."""
    keys = make_keys(["sk-a", "sk-b"])
    store = make_store(keys, clock)
    for _ in keys:
        answer(store, Outcome.INVALID_KEY)
    refused(store)
    clock.advance(300)
    for probe in [take(store, ask(model="other")) for _ in keys]:
        store.settle(probe, Settlement(Outcome.SUCCESS))
    assert {answer(store).key_id for _ in range(4)} == {k.key_id for k in keys}


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
    """Many dead, paused, forbidden, and out-of-quota keys must not hide the good key."""
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
        store.settle(lease, Settlement(bad[position % 4]))
    seen = [answer(store).key_id for _ in range(60)]
    assert good in seen
    for _ in range(200):
        lease = take(store)
        store.settle(lease, Settlement(Outcome.SUCCESS if lease.key_id == good else Outcome.INVALID_KEY))
    assert [answer(store).key_id for _ in range(5)] == [good] * 5


def test_a_key_with_capacity_is_preferred_to_a_reservation(make_store: MakeStore, clock: ManualClock) -> None:
    """The free key is found at any position among many keys."""
    keys = make_keys([f"sk-{n}" for n in range(40)])
    for free in sorted(keys, key=lambda key: key.key_id)[::13]:
        store = make_store(keys, clock, pool=free.key_id)
        for lease in [take(store) for _ in keys]:
            reported = LimitReading() if lease.key_id == free.key_id else NO_ROOM
            store.settle(lease, Settlement(Outcome.SUCCESS, limits=reported))
        lease = take(store, ask(max_wait_us=MINUTE))
        assert (lease.key_id, lease.reserved) == (free.key_id, False)


def test_a_reservation_uses_the_earliest_key(make_store: MakeStore, clock: ManualClock) -> None:
    """Each of many busy keys has an earlier time than the previous key."""
    keys = make_keys([f"sk-{n}" for n in range(40)])
    store = make_store(keys, clock)
    leases = [take(store) for _ in keys]
    for position, lease in enumerate(leases):
        reported = MeterReading(600, 0, SECOND + (39 - position) * GAP)
        store.settle(lease, Settlement(Outcome.SUCCESS, limits=LimitReading(requests=reported)))
    for _ in range(4):
        refused(store)  # a store may read only some keys per request
    places = [take(store, ask(max_wait_us=MINUTE)) for _ in range(20)]
    assert [place.key_id for place in places[:4]] == [lease.key_id for lease in leases[:-5:-1]]
    assert [place.at_us for place in places] == sorted(place.at_us for place in places)


def test_a_request_that_lost_its_reservation_may_use_the_reserve(make_store: MakeStore, clock: ManualClock) -> None:
    """A tenth of the burst is reserved for requests that lost their reservation."""
    store = make_store(make_keys(["sk-a"]), clock)
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


def test_each_model_has_its_own_bucket(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store(make_keys(["sk-a"]), clock)
    answer(store, request=ask(model="m"), limits=limits(60, 0))
    assert len(burst(store, ask(model="other"), most=50)) == 50
    assert burst(store, ask(model="m")) == []


@pytest.mark.parametrize("late_us", [0, 400_000])
def test_headers_describe_the_server_s_time_of_admission(
    make_store: MakeStore, clock: ManualClock, late_us: int
) -> None:
    """The reset time of a response counts from the server's admission, up to 0.4 s after the request was sent."""
    store = make_store(make_keys(["sk-a"]), clock)
    answer(store, limits=limits(600, 600))
    clock.advance(10)
    in_flight = burst(store)
    reserved = take(store, ask(max_wait_us=10 * SECOND))
    reset = len(in_flight) * GAP - late_us
    reported = LimitReading(MeterReading(600, 600 - reset / GAP, reset))
    store.settle(in_flight[-1], Settlement(Outcome.SUCCESS, limits=reported, admitted_after_us=late_us))
    wait_until(clock, reserved.at_us)
    assert isinstance(store.confirm(reserved), Lease)


def test_the_pause_of_a_429_delays_reservations(make_store: MakeStore, clock: ManualClock) -> None:
    """After the pause, requests are sent one by one at the rate of the limit."""
    store = make_store(make_keys(["sk-a"]), clock)
    answer(store, limits=limits(600, 600))
    clock.advance(60)
    answer(store, Outcome.RATE_LIMITED, pause_us=20 * SECOND, limits=limits(600, 580))
    began = clock.now_us()
    places = [take(store, ask(max_wait_us=2 * MINUTE)) for _ in range(3)]
    assert places[0].at_us - began >= 20 * SECOND
    assert [b.at_us - a.at_us for a, b in itertools.pairwise(places)] == [GAP, GAP]
