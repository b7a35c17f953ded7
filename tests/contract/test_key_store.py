"""Rules that every key store must follow."""

import itertools
import threading
from typing import Any

import pytest

from app.clock import ManualClock
from app.keypool.keys import ApiKey, make_keys
from app.keypool.limits import LimitReading, MeterReading
from app.keypool.outcomes import Outcome
from app.keypool.spending import Budget, Cap, Spent
from app.keypool.stores.base import LEASE_US, Change, KeyRequest, Later, Lease, NoCapacity, Settlement, Store
from tests.plugins.redis_fixtures import Backend, MakeStore
from tests.plugins.store_steps import (
    EMPTY,
    KEYS,
    MINUTE,
    ONLY_A,
    ONLY_B,
    SECOND,
    A,
    B,
    answer,
    ask,
    burst,
    limits,
    of,
    refused,
    take,
    wait_until,
)


def test_a_key_that_never_answered_has_one_request_in_flight(store: Store) -> None:
    first = take(store)
    assert isinstance(store.acquire(ask(max_wait_us=SECOND)), Later)
    store.settle(first, Settlement(Outcome.SUCCESS))
    take(store)
    take(store)


def test_a_lost_lease_expires_and_frees_the_probe(store: Store, clock: ManualClock) -> None:
    take(store)
    clock.advance(119.999999)
    assert not isinstance(store.acquire(ask(max_wait_us=SECOND)), Lease)
    clock.advance(0.000001)
    take(store)


def test_a_429_pauses_the_key_as_long_as_the_server_says(store: Store, clock: ManualClock) -> None:
    answer(store, Outcome.RATE_LIMITED, pause_us=20 * SECOND)
    assert (of(store, A).rate_limited, of(store, A).circuit_open) == (True, False)
    refusal = store.acquire(ask(max_wait_us=19 * SECOND))
    assert refusal == NoCapacity(20 * SECOND, "no_capacity")
    clock.advance(15)
    assert of(store, A).rests_us == 5 * SECOND
    clock.advance(5)
    assert (of(store, A).rate_limited, of(store, A).rests_us) == (False, 0)
    take(store)


def test_a_429_without_a_time_pauses_the_key_for_sixty_seconds(store: Store) -> None:
    answer(store, Outcome.RATE_LIMITED)
    assert store.acquire(ask()) == NoCapacity(60 * SECOND, "no_capacity")


def test_a_429_pauses_the_key_for_its_model_only(store: Store) -> None:
    answer(store, Outcome.RATE_LIMITED, ask(model="large"), pause_us=20 * SECOND)
    assert isinstance(store.acquire(ask(model="large")), NoCapacity)
    take(store, ask(model="small"))


def test_three_failures_open_the_circuit_and_a_success_removes_one(pair: Store) -> None:
    for outcome in (Outcome.SERVER_FAILURE, Outcome.SERVER_FAILURE, Outcome.SUCCESS, Outcome.SERVER_FAILURE):
        answer(pair, outcome, ONLY_A)
    assert not of(pair, A).circuit_open
    change = pair.settle(take(pair, ONLY_A), Settlement(Outcome.SERVER_FAILURE))
    assert change.opened_after == 3
    assert of(pair, A).circuit_open
    assert answer(pair).key_id == B.key_id


def test_uncounted_failures_neither_open_the_circuit_nor_verify_the_key(store: Store) -> None:
    """A refused connection does not prove that the key is valid, so the key still takes one request at a time."""
    for _ in range(5):
        answer(store, Outcome.SERVER_FAILURE, counts=False)
    assert not of(store, A).circuit_open
    assert of(store, A).failures == 5
    take(store)
    assert isinstance(store.acquire(ask(max_wait_us=SECOND)), Later)


def test_broken_streams_are_failures(store: Store) -> None:
    """Each break is reported twice, as after a lost reply. The third consecutive break opens the circuit."""
    for number in (1, 2, 3):
        stream = answer(store, streams=True)
        assert of(store, A).successes == 1
        changes = [store.end_stream(stream, None, broke=True) for _ in range(2)]
        assert [change.opened_after for change in changes] == [3 if number == 3 else None, None]
        assert (of(store, A).successes, of(store, A).failures) == (0, number)
    assert of(store, A).state == "open"
    (calls,) = store.figures().calls
    assert (calls.outcomes["success"], calls.outcomes["server_failure"]) == (3, 3)


def test_a_probe_with_a_stream_ends_with_the_stream(pair: Store, clock: ManualClock) -> None:
    answer(pair, request=ONLY_B)
    for _ in range(3):
        answer(pair, Outcome.SERVER_FAILURE, ONLY_A)
    clock.advance(300)
    probe = answer(pair, request=ONLY_A, streams=True)
    assert of(pair, A).state == "half_open"
    pair.end_stream(probe, None, broke=True)
    clock.advance(599)
    assert of(pair, A).state == "open"
    clock.advance(1)
    probe = answer(pair, request=ONLY_A, streams=True)
    assert pair.end_stream(probe, None).closed
    assert of(pair, A).state == "closed"
    take(pair, ONLY_A)


def test_the_end_of_a_stream_verifies_a_new_key(store: Store, clock: ManualClock) -> None:
    """The stream begins after its lease has expired, and the key stays unverified until the stream ends."""
    late = take(store)
    clock.advance(LEASE_US / SECOND)
    store.settle(late, Settlement(Outcome.SUCCESS, streams=True))
    take(store)
    assert not isinstance(store.acquire(ask()), Lease)
    store.end_stream(late, None)
    take(store)


def test_a_complete_stream_removes_a_failure(store: Store) -> None:
    for _ in range(2):
        answer(store, Outcome.SERVER_FAILURE)
    store.end_stream(answer(store, streams=True), None)
    answer(store, Outcome.SERVER_FAILURE)
    assert not of(store, A).circuit_open
    answer(store, streams=True)
    assert store.settle(take(store), Settlement(Outcome.SERVER_FAILURE)).opened_after == 3


def test_an_open_circuit_gets_exactly_one_probe_after_its_wait(pair: Store, clock: ManualClock) -> None:
    answer(pair, Outcome.SUCCESS, ONLY_B)
    for _ in range(3):
        answer(pair, Outcome.SERVER_FAILURE, ONLY_A)
    clock.advance(299.999999)
    assert isinstance(pair.acquire(ONLY_A), NoCapacity)
    clock.advance(0.000001)
    probe = take(pair, ONLY_A)
    assert isinstance(pair.acquire(ask(max_wait_us=SECOND, barred=ONLY_A.barred)), Later)
    assert pair.settle(probe, Settlement(Outcome.SUCCESS)).closed
    assert not of(pair, A).circuit_open


def test_an_invalid_key_leaves_rotation_without_a_counted_failure(make_store: MakeStore, clock: ManualClock) -> None:
    keys = make_keys(["sk-dead", "sk-b"])
    store = make_store(keys, clock)
    lease = take(store)
    assert store.settle(lease, Settlement(Outcome.INVALID_KEY)).died
    assert {answer(store).key_id for _ in range(5)} == {keys[1].key_id}
    assert of(store, keys[0]).state == "dead"


def test_missing_quota_takes_the_whole_group_out_and_is_reported_once(
    make_store: MakeStore, clock: ManualClock
) -> None:
    keys = make_keys(["sk-a", "sk-b", "sk-c"], "team=1,2")
    store = make_store(keys, clock)
    a, b = take(store), take(store)
    assert store.settle(a, Settlement(Outcome.QUOTA_EXHAUSTED)).quota_gone
    assert not store.settle(b, Settlement(Outcome.QUOTA_EXHAUSTED)).quota_gone
    assert {answer(store).key_id for _ in range(4)} == {keys[2].key_id}
    assert [of(store, k).state for k in keys] == ["no_quota", "no_quota", "closed"]


@pytest.mark.parametrize("outcome", [Outcome.INVALID_KEY, Outcome.QUOTA_EXHAUSTED])
def test_a_refused_key_or_a_group_without_quota_is_probed_after_an_hour(
    pair: Store, clock: ManualClock, outcome: Outcome
) -> None:
    answer(pair, outcome)
    answer(pair)
    clock.advance(3599.999999)
    assert {answer(pair).key_id for _ in range(3)} == {B.key_id}
    clock.advance(0.000001)
    assert answer(pair).key_id == A.key_id
    assert of(pair, A).state == "closed"


def test_a_403_bars_the_key_for_that_model_only(pair: Store) -> None:
    answer(pair, Outcome.FORBIDDEN, ask(model="new"))
    assert {answer(pair, request=ask(model="new")).key_id for _ in range(3)} == {B.key_id}
    assert A.key_id in {answer(pair, request=ask(model="old")).key_id for _ in range(2)}
    assert not of(pair, A).circuit_open


@pytest.mark.parametrize("outcome", [Outcome.INVALID_KEY, Outcome.QUOTA_EXHAUSTED])
def test_without_a_usable_key_bad_keys_are_tried_again_after_five_minutes(
    store: Store, clock: ManualClock, outcome: Outcome
) -> None:
    answer(store, outcome)
    clock.advance(299.999999)
    assert isinstance(store.acquire(ask()), NoCapacity)
    clock.advance(0.000001)
    assert take(store).last_resort


def test_the_first_success_after_an_outage_makes_every_open_circuit_due(
    make_store: MakeStore, clock: ManualClock
) -> None:
    keys = make_keys(["sk-a", "sk-b", "sk-c", "sk-dead"])
    store = make_store(keys, clock)

    def only(key: ApiKey) -> KeyRequest:
        return ask(barred=frozenset({other.key_id for other in keys} - {key.key_id}))

    answer(store, Outcome.INVALID_KEY, only(keys[3]))
    for key in keys[:3]:
        for _ in range(3):
            answer(store, Outcome.SERVER_FAILURE, only(key))
    first = answer(store)
    assert first.last_resort
    others = burst(store, most=100)
    probed = {lease.key_id for lease in others if lease.probe}
    assert probed == {key.key_id for key in keys[:3]} - {first.key_id}
    assert not any(lease.last_resort for lease in others)
    assert of(store, keys[3]).state == "dead"


def test_a_successful_due_probe_does_not_affect_other_keys(make_store: MakeStore, clock: ManualClock) -> None:
    keys = make_keys(["sk-a", "sk-b", "sk-c"])
    store = make_store(keys, clock)
    a, b, _ = keys
    for key, pause in ((a, 100), (b, 200)):
        for _ in range(3):
            answer(store, Outcome.SERVER_FAILURE, ask(barred=frozenset({k.key_id for k in keys} - {key.key_id})))
        clock.advance(pause)
    answer(store, request=ask(barred=frozenset({k.key_id for k in keys} - {a.key_id})))
    assert (of(store, a).state, of(store, b).state) == ("closed", "open")


def test_a_reservation_on_a_paused_key_is_not_confirmed(store: Store, clock: ManualClock) -> None:
    answer(store)
    in_flight = take(store)
    answer(store, limits=EMPTY)
    reserved = take(store, ask(max_wait_us=30 * SECOND))
    store.settle(in_flight, Settlement(Outcome.RATE_LIMITED, pause_us=40 * SECOND))
    wait_until(clock, reserved.at_us)
    assert store.confirm(reserved) is None


def test_every_request_ends_as_a_success_or_a_failure(store: Store, clock: ManualClock) -> None:
    for outcome in (Outcome.SUCCESS, Outcome.REQUEST_FAULT, Outcome.SERVER_FAILURE, Outcome.RATE_LIMITED):
        answer(store, outcome, pause_us=0)
    seen = of(store, A)
    assert (seen.requests, seen.successes, seen.failures, seen.rate_limits, seen.in_flight) == (4, 2, 2, 1, 0)
    assert seen.last_used_us == clock.now_us()


@pytest.mark.parametrize("facts", [{"limits": EMPTY}, {"outcome": Outcome.RATE_LIMITED}], ids=["limit", "no limit"])
def test_refused_callers_get_increasing_retry_times(store: Store, facts: dict[str, Any]) -> None:
    answer(store, **facts)
    waits = [refused(store).retry_after_us for _ in range(3)]
    assert [b - a for a, b in itertools.pairwise(waits)] == [SECOND // 10] * 2


def test_several_threads_get_as_many_leases_as_one_thread(make_store: MakeStore, clock: ManualClock) -> None:
    alone, store = (make_store(make_keys(["sk-a"]), clock, pool=pool) for pool in ("alone", "together"))
    answer(alone, limits=limits(1200, 1199))
    answer(store, limits=limits(1200, 1199))
    taken: list[Lease] = []

    def take_leases() -> None:
        taken.extend(burst(store))

    threads = [threading.Thread(target=take_leases) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({lease.lease_id for lease in taken}) == len(taken) == len(burst(alone)) > 10


def test_a_late_retry_time_of_one_model_does_not_delay_another(store: Store) -> None:
    """Model `x` is forbidden for an hour. Requests for model `m`, which has no capacity, must not wait that long."""
    answer(store, Outcome.FORBIDDEN, ask(model="x"))
    assert store.acquire(ask(model="x")) == NoCapacity(3600 * SECOND, "forbidden")
    answer(store, limits=EMPTY, request=ask(model="m"))
    assert refused(store, ask(model="m")).retry_after_us < 10 * SECOND


def test_callers_do_not_wait_for_others_that_never_returned(store: Store, clock: ManualClock) -> None:
    answer(store, limits=EMPTY)
    for _ in range(600):
        store.acquire(ask())
    clock.advance(300)
    answer(store, limits=EMPTY)
    assert refused(store).retry_after_us < 10 * SECOND


def test_callers_retry_soon_after_a_probe_is_sent(pair: Store) -> None:
    answer(pair, Outcome.INVALID_KEY)
    take(pair)
    assert pair.acquire(ask()) == NoCapacity(SECOND, "no_capacity")


def test_callers_wait_for_a_slow_probe_while_other_circuits_are_open(pair: Store, clock: ManualClock) -> None:
    """Key B answers a probe slowly, and the circuit of key A stays open for minutes."""
    for _ in range(3):
        answer(pair, Outcome.SERVER_FAILURE, ONLY_A)
    probe = take(pair)
    assert probe.key_id == B.key_id
    clock.advance(10)
    assert isinstance(pair.acquire(ask(max_wait_us=30 * SECOND)), Later)
    assert pair.acquire(ask()) == NoCapacity(SECOND, "no_capacity")
    pair.settle(probe, Settlement(Outcome.SUCCESS))
    assert take(pair, ask(max_wait_us=30 * SECOND)).key_id == B.key_id


def test_callers_rarely_check_a_probe_that_is_not_yet_sent(pair: Store, clock: ManualClock) -> None:
    """Key A is reserved for a probe in 20 s, when its circuit may close. Key B pauses for longer."""
    answer(pair, request=ONLY_B)
    for _ in range(3):
        answer(pair, Outcome.SERVER_FAILURE, ONLY_A)
    answer(pair, Outcome.RATE_LIMITED, ONLY_B, pause_us=400 * SECOND)
    clock.advance(280)
    assert take(pair, ask(max_wait_us=30 * SECOND)).reserved
    assert pair.acquire(ask(max_wait_us=30 * SECOND)) == Later(SECOND // 4)


@pytest.mark.parametrize(
    ("outcome", "reason"), [(Outcome.FORBIDDEN, "forbidden"), (Outcome.RATE_LIMITED, "no_capacity")]
)
def test_an_outage_of_the_only_other_key_is_not_waited_for(pair: Store, outcome: Outcome, reason: str) -> None:
    """Key A may not be used for an hour. Therefore key B is tried, although its circuit is open."""
    answer(pair, outcome, ONLY_A, pause_us=3600 * SECOND)
    for _ in range(3):
        answer(pair, Outcome.SERVER_FAILURE, ONLY_B)
    probe = take(pair)
    assert (probe.key_id, probe.last_resort) == (B.key_id, True)
    pair.settle(probe, Settlement(Outcome.INVALID_KEY))
    assert refused(pair).reason == reason


def test_an_open_circuit_is_found_behind_many_forbidden_keys(make_store: MakeStore, clock: ManualClock) -> None:
    keys = make_keys([f"sk-{n}" for n in range(70)])
    store = make_store(keys, clock)
    for key in keys[1:]:
        answer(store, Outcome.FORBIDDEN, ask(barred=frozenset(k.key_id for k in keys if k is not key)))
    answer(store)
    for _ in range(3):
        answer(store, Outcome.SERVER_FAILURE)
    assert take(store).key_id == keys[0].key_id


def test_callers_barred_from_healthy_keys_learn_when_their_key_returns(pair: Store) -> None:
    for _ in range(3):
        answer(pair, Outcome.SERVER_FAILURE, ONLY_A)
    assert pair.acquire(ONLY_A) == NoCapacity(300 * SECOND, "barred")


def test_a_key_without_quota_may_use_the_model_later(pair: Store) -> None:
    answer(pair, Outcome.FORBIDDEN, ONLY_A)
    answer(pair, Outcome.QUOTA_EXHAUSTED, ONLY_B)
    assert refused(pair).reason == "quota"


def test_a_request_that_tried_every_usable_key_is_barred(pair: Store) -> None:
    answer(pair, Outcome.INVALID_KEY)
    lease = answer(pair, Outcome.SERVER_FAILURE)
    assert refused(pair, ask(barred=frozenset({lease.key_id}))).reason == "barred"


def test_reservations_that_an_open_circuit_voids_cause_no_second_probe(store: Store, clock: ManualClock) -> None:
    answer(store)
    in_flight = [take(store) for _ in range(4)]
    store.settle(in_flight.pop(), Settlement(Outcome.SUCCESS, limits=EMPTY))
    waiting = [take(store, ask(max_wait_us=60 * SECOND)) for _ in range(3)]
    for lease in in_flight:
        store.settle(lease, Settlement(Outcome.SERVER_FAILURE))
    clock.advance(60)
    take(store)
    for lease in waiting:
        assert store.confirm(lease) is None
        assert isinstance(store.acquire(ask(max_wait_us=SECOND)), Later)


def test_a_late_response_does_not_end_the_probe_of_a_dead_key(store: Store, clock: ManualClock) -> None:
    answer(store)
    first, late = take(store), take(store)
    store.settle(first, Settlement(Outcome.INVALID_KEY))
    clock.advance(300)
    probe = take(store)
    store.settle(late, Settlement(Outcome.INVALID_KEY))
    assert store.settle(probe, Settlement(Outcome.SUCCESS)).closed


def test_early_probes_do_not_lengthen_an_outage(pair: Store, clock: ManualClock) -> None:
    for _ in range(60):
        answer(pair, Outcome.SERVER_FAILURE)
        clock.advance(1)
    answer(pair)
    clock.advance(300)
    assert {answer(pair).key_id for _ in range(4)} == {k.key_id for k in KEYS}


def test_failed_quota_probes_double_their_interval_up_to_six_hours(pair: Store, clock: ManualClock) -> None:
    answer(pair, Outcome.SUCCESS, ONLY_B)
    answer(pair, Outcome.QUOTA_EXHAUSTED, ONLY_A)
    hours = []
    for _ in range(5):
        began = clock.now_us()
        while not isinstance(lease := pair.acquire(ONLY_A), Lease):
            clock.advance(60)
        hours.append(round((clock.now_us() - began) / 3600 / SECOND))
        pair.settle(lease, Settlement(Outcome.QUOTA_EXHAUSTED))
    assert hours == [1, 2, 4, 6, 6]


def test_an_earlier_success_does_not_restore_exhausted_quota(pair: Store) -> None:
    answer(pair, Outcome.SUCCESS, ONLY_A)
    early, last = take(pair, ONLY_A), take(pair, ONLY_A)
    pair.settle(last, Settlement(Outcome.QUOTA_EXHAUSTED))
    pair.settle(early, Settlement(Outcome.SUCCESS))
    assert of(pair, A).state == "no_quota"


def test_a_reserved_quota_probe_is_sent_when_its_time_has_come(pair: Store, clock: ManualClock) -> None:
    answer(pair, Outcome.QUOTA_EXHAUSTED)
    clock.advance(3599)
    answer(pair, Outcome.RATE_LIMITED, pause_us=60 * SECOND)
    probe = take(pair, ask(max_wait_us=2 * SECOND))
    assert (probe.key_id, probe.reserved) == (A.key_id, True)
    clock.advance(1)
    assert isinstance(pair.confirm(probe), Lease)
    pair.settle(probe, Settlement(Outcome.SUCCESS))
    assert of(pair, A).state == "closed"


@pytest.mark.parametrize("pause_us", [None, 20 * SECOND])
@pytest.mark.parametrize(("outcome", "failures"), [(Outcome.TOO_LARGE, 4), (Outcome.NO_CAPACITY, 0)])
def test_a_too_large_request_or_a_full_service_tier_does_not_count_against_the_key(
    store: Store, outcome: Outcome, failures: int, pause_us: int | None
) -> None:
    """Such a response causes no cooldown and opens no circuit. It verifies the key, so other requests may use it."""
    for _ in range(4):
        assert store.settle(take(store), Settlement(outcome, pause_us=pause_us)) == Change()
    seen = of(store, A)
    assert (seen.requests, seen.successes, seen.failures, seen.rate_limits, seen.in_flight) == (4, 0, failures, 0, 0)
    assert (seen.state, seen.circuit_open, seen.rate_limited) == ("closed", False, False)
    take(store)
    take(store)


def test_a_request_too_large_for_a_key_ends_the_probe_of_its_group_s_quota(store: Store, clock: ManualClock) -> None:
    answer(store, Outcome.QUOTA_EXHAUSTED)
    clock.advance(3600)
    answer(store, Outcome.TOO_LARGE)
    assert of(store, A).state == "no_quota"
    assert take(store).probe


def test_limits_in_a_too_large_response_are_applied(make_store: MakeStore, clock: ManualClock) -> None:
    keys = make_keys(["sk-small", "sk-large"])
    store = make_store(keys, clock)
    reported = LimitReading(tokens=MeterReading(1_000, 1_000, 0))
    assert answer(store, Outcome.TOO_LARGE, ask(tokens=5_000), limits=reported).key_id == keys[0].key_id
    assert {answer(store, request=ask(tokens=5_000)).key_id for _ in range(4)} == {keys[1].key_id}
    assert {answer(store).key_id for _ in range(4)} == {key.key_id for key in keys}


@pytest.mark.parametrize("limits", [LimitReading(), LimitReading(tokens=MeterReading(1_000, 1_000, 0))])
def test_a_request_too_large_for_a_key_uses_no_tokens(store: Store, clock: ManualClock, limits: LimitReading) -> None:
    answer(store, limits=LimitReading(tokens=MeterReading(1_000, 1_000, 0)))
    clock.advance(60)
    lease = take(store, ask(max_wait_us=600 * SECOND, tokens=1_000_000))
    store.settle(lease, Settlement(Outcome.TOO_LARGE, limits=limits))
    take(store)


def test_a_confirmed_reservation_is_sent_and_settled_like_any_lease(store: Store, clock: ManualClock) -> None:
    answer(store, limits=EMPTY)
    reserved = take(store, ask(max_wait_us=30 * SECOND))
    assert of(store, A).requests == 1
    wait_until(clock, reserved.at_us)
    lease = store.confirm(reserved)
    assert isinstance(lease, Lease)
    assert (lease.lease_id, lease.key_id, lease.reserved) == (reserved.lease_id, A.key_id, False)
    assert of(store, A).requests == 2
    store.settle(lease, Settlement(Outcome.SUCCESS))
    seen = of(store, A)
    assert (seen.successes, seen.in_flight, seen.last_used_us) == (2, 0, reserved.at_us)


def test_a_released_reservation_is_neither_confirmed_nor_released_again(store: Store) -> None:
    answer(store, limits=EMPTY)
    first, second = (take(store, ask(max_wait_us=30 * SECOND)) for _ in range(2))
    for _ in range(3):
        store.give_back(second)
    assert store.confirm(second) is None
    assert take(store, ask(max_wait_us=30 * SECOND)).at_us == second.at_us
    assert first.at_us < second.at_us


def test_a_repeated_admission_or_reservation_returns_the_same_lease(make_store: MakeStore, clock: ManualClock) -> None:
    """A client library may send a Lua script again if the connection was lost before the reply arrived."""
    keys = make_keys(["sk-a", "sk-b"])
    store: Any = make_store(keys, clock)
    for _ in keys:
        answer(store, limits=limits(600, 600))
    first, again = store.acquire(ask(), "x"), store.acquire(ask(), "x")
    assert isinstance(first, Lease)
    assert first == again
    assert sum(key.in_flight for key in store.snapshot()) == 1
    store.settle(first, Settlement(Outcome.SUCCESS))
    assert sum(key.requests for key in store.snapshot()) == 3
    burst(store)
    first, again = (store.acquire(ask(max_wait_us=MINUTE), "y") for _ in range(2))
    assert first.reserved
    assert first == again


def test_a_repeated_confirmation_needs_no_capacity_and_no_budget(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store(make_keys(["sk-a"]), clock, budget=Budget(day=Cap(calls=2)))
    answer(store, limits=EMPTY)
    reserved = take(store, ask(max_wait_us=MINUTE))
    clock.advance((reserved.at_us - clock.now_us()) / SECOND)
    sent = [store.confirm(reserved) for _ in range(3)]
    assert all(isinstance(one, Lease) for one in sent)
    assert store.spent().calls == 2


def test_an_admission_that_arrives_after_its_undo_is_refused(
    make_store: MakeStore, backend: Backend, clock: ManualClock
) -> None:
    """The request was still in transit when its caller gave up and released it."""
    if backend.connection is None:
        return  # no request can be in transit to a memory store
    store: Any = make_store(make_keys(["sk-a"]), clock)
    answer(store)
    before = store.spent()
    store.undo("x")
    assert store.acquire(ask(), "x") == NoCapacity(0, "barred")
    assert store.spent() == before == Spent(1, 10, 0)
