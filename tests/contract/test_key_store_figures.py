"""What a key store counts for metrics and reports: every request, its end, its wait and its refusal. On every store."""

from __future__ import annotations

import threading

import pytest

from app.clock import ManualClock
from app.keypool.figures import WAIT_BOUNDS_S, CallFigures, KeyTransitions, ModelFigures, Room, Transition
from app.keypool.keys import ApiKey, make_keys
from app.keypool.limits import LimitReading
from app.keypool.outcomes import Outcome
from app.keypool.stores.base import Budget, Cap, Later, Lease, Settlement, Store, Usage
from tests.plugins.redis_fixtures import Backend, MakeStore
from tests.plugins.store_steps import (
    MINUTE,
    NO_ROOM,
    SECOND,
    answer,
    ask,
    limits,
    reading,
    refused,
    take,
    wait_until,
)

NOTHING = CallFigures("", "m", {}, 0, 0, 0)


@pytest.fixture
def keys() -> tuple[ApiKey, ...]:
    return make_keys(["sk-a", "sk-b"])


def call(store: Store, key: ApiKey, model: str = "m") -> CallFigures:
    found = [c for c in store.figures().calls if (c.key_id, c.model) == (key.key_id, model)]
    return found[0] if found else NOTHING


def of_model(store: Store, model: str = "m") -> ModelFigures:
    return next(m for m in store.figures().models if m.model == model)


def waits(*classes: int) -> tuple[int, ...]:
    """One wait in each of these classes."""
    return tuple(classes.count(n) for n in range(len(WAIT_BOUNDS_S) + 1))


def test_a_store_that_did_nothing_counts_nothing(
    make_store: MakeStore, clock: ManualClock, keys: tuple[ApiKey, ...]
) -> None:
    found = make_store(keys, clock).figures()
    assert (found.calls, found.transitions, found.models, found.rooms) == ((), (), (), ())
    assert found.groups == {key.key_id: key.group for key in keys}


@pytest.mark.parametrize("outcome", Outcome)
def test_every_lease_that_ends_counts_once_by_its_outcome(
    make_store: MakeStore, clock: ManualClock, outcome: Outcome
) -> None:
    (key,) = keys = make_keys(["sk-a"])
    store = make_store(keys, clock)
    lease = answer(store, outcome)
    store.settle(lease, Settlement(outcome))
    assert call(store, key).outcomes == {outcome: 1}
    assert of_model(store).waits == waits(0)


def test_a_place_that_was_given_back_is_no_request(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store(make_keys(["sk-a"]), clock)
    answer(store, limits=NO_ROOM)
    reserved = take(store, ask(max_wait_us=MINUTE))
    store.give_back(reserved)
    assert sum(of_model(store).waits) == 1


def test_keys_and_models_are_counted_apart(make_store: MakeStore, clock: ManualClock, keys: tuple[ApiKey, ...]) -> None:
    """Also a request that names no model, and a name that holds what separates names from counts."""
    a, b = keys
    store = make_store(keys, clock)
    not_b = frozenset({b.key_id})
    for model in ("m", "m", "", "odd\x1fsuccess"):
        answer(store, request=ask(model=model, barred=not_b))
    answer(store, request=ask(barred=frozenset({a.key_id})))
    seen = [(c.key_id, c.model, dict(c.outcomes)) for c in store.figures().calls]
    assert seen == [
        (a.key_id, "", {Outcome.SUCCESS: 1}),
        (a.key_id, "m", {Outcome.SUCCESS: 2}),
        (a.key_id, "odd\x1fsuccess", {Outcome.SUCCESS: 1}),
        (b.key_id, "m", {Outcome.SUCCESS: 1}),
    ]


def test_tokens_and_cost_are_counted_when_a_response_says_them(make_store: MakeStore, clock: ManualClock) -> None:
    """Never what was estimated; a stream says it at its end."""
    (key,) = keys = make_keys(["sk-a"])
    store = make_store(keys, clock)
    answer(store, request=ask(tokens=500, microusd=900), usage=Usage(100, 7, 30))
    stream = answer(store, request=ask(tokens=500, microusd=900))
    found = call(store, key)
    assert (found.input_tokens, found.output_tokens, found.microusd) == (70, 30, 7)
    store.spend(stream, Usage(20, 2, 15))
    found = call(store, key)
    assert (found.input_tokens, found.output_tokens, found.microusd) == (75, 45, 9)


def test_what_was_not_billed_used_nothing(make_store: MakeStore, clock: ManualClock) -> None:
    (key,) = keys = make_keys(["sk-a"])
    store = make_store(keys, clock)
    answer(store, Outcome.REQUEST_FAULT, usage=Usage(100, 7, 30))
    found = call(store, key)
    assert (found.input_tokens, found.output_tokens, found.microusd) == (0, 0, 0)


def test_waits_are_counted_by_class_each_with_its_upper_bound(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store(make_keys(["sk-a"]), clock)
    waited = [0, 10_000, 10_001, 2_500_000, 60 * SECOND, 60 * SECOND + 1]
    for waited_us in waited:
        answer(store, waited_us=waited_us)
    assert of_model(store).waits == waits(0, 0, 1, 6, 10, 11)
    assert of_model(store).waited_us == sum(waited)


# --- what befell a key


def test_what_befell_a_key_counts_when_it_befell_it(make_store: MakeStore, clock: ManualClock) -> None:
    """Not each failure, but the one that opened the circuit; and the one success that closed it."""
    (key,) = keys = make_keys(["sk-a"])
    store = make_store(keys, clock)
    for _ in range(3):
        answer(store, Outcome.SERVER_FAILURE)
    assert store.figures().transitions == (KeyTransitions(key.key_id, {"open": 1}),)
    clock.advance(300)
    answer(store)
    answer(store)
    answer(store, Outcome.RATE_LIMITED, pause_us=SECOND)
    clock.advance(1)
    answer(store, Outcome.QUOTA_EXHAUSTED)
    clock.advance(3600)
    answer(store)
    answer(store, Outcome.INVALID_KEY)
    expected: dict[Transition, int] = {"open": 1, "closed": 1, "dead": 1, "no_quota": 1, "cooling": 1}
    assert store.figures().transitions == (KeyTransitions(key.key_id, expected),)


def test_a_key_that_was_taken_out_keeps_its_counts(
    make_store: MakeStore, clock: ManualClock, keys: tuple[ApiKey, ...]
) -> None:
    a, b = keys
    store = make_store(keys, clock)
    answer(store, limits=limits(600, 599))
    answer(store, limits=limits(60, 59))
    store.set_keys((b,))
    found = store.figures()
    assert list(found.groups) == [b.key_id, a.key_id]
    assert [c.key_id for c in found.calls] == [b.key_id, a.key_id]
    assert [room.group for room in found.rooms] == [b.group], "nobody plans with the room of a key that is gone"


# --- refusals


def test_refusals_are_counted_by_the_reason_that_was_told(
    make_store: MakeStore, clock: ManualClock, keys: tuple[ApiKey, ...]
) -> None:
    a, b = keys
    store = make_store(keys, clock, budget=Budget(batch=Cap(calls=0)))
    for _ in keys:
        answer(store, limits=NO_ROOM)
    assert refused(store, ask(batch="b")).reason == "budget"
    assert refused(store).reason == "no_room"
    assert refused(store).reason == "no_room"
    assert refused(store, ask(barred=frozenset({a.key_id, b.key_id}))).reason == "barred"
    assert of_model(store).refusals == {"budget": 1, "no_room": 2, "barred": 1}


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [(Outcome.INVALID_KEY, "dead"), (Outcome.QUOTA_EXHAUSTED, "quota"), (Outcome.FORBIDDEN, "forbidden")],
)
def test_a_refusal_for_another_reason_than_room_is_no_saturation(
    make_store: MakeStore, clock: ManualClock, outcome: Outcome, reason: str
) -> None:
    store = make_store(make_keys(["sk-a"]), clock)
    answer(store, outcome)
    assert refused(store).reason == reason
    assert (of_model(store).refusals, of_model(store).saturated_us) == ({reason: 1}, {})


def test_an_open_circuit_is_a_refusal_and_no_saturation(make_store: MakeStore, clock: ManualClock) -> None:
    """While the last resort of a pool without a healthy key is under way."""
    store = make_store(make_keys(["sk-a"]), clock)
    for _ in range(3):
        answer(store, Outcome.SERVER_FAILURE)
    take(store)
    assert refused(store).reason == "circuit"
    assert (of_model(store).refusals, of_model(store).saturated_us) == ({"circuit": 1}, {})


def test_a_pause_for_an_answer_is_no_refusal(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store(make_keys(["sk-a"]), clock)
    take(store)
    assert isinstance(store.acquire(ask(max_wait_us=SECOND)), Later)
    assert store.figures().models == ()


# --- time without room


def test_time_without_room_counts_once_whoever_meets_it(make_store: MakeStore, clock: ManualClock) -> None:
    """A union of intervals: the second refusal adds nothing, a later one what is beyond."""
    store = make_store(make_keys(["sk-a"]), clock)
    answer(store, Outcome.RATE_LIMITED, pause_us=20 * SECOND)
    refused(store)
    assert of_model(store).saturated_us == {"requests": 20 * SECOND}
    clock.advance(5)
    refused(store)
    refused(store, ask(max_wait_us=SECOND))
    assert of_model(store).saturated_us == {"requests": 20 * SECOND}
    clock.advance(15)
    answer(store, Outcome.RATE_LIMITED, pause_us=3 * SECOND)
    refused(store)
    assert of_model(store).saturated_us == {"requests": 23 * SECOND}


def test_a_place_that_has_to_be_waited_for_is_time_without_room(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store(make_keys(["sk-a"]), clock)
    answer(store, limits=NO_ROOM)
    reserved = take(store, ask(max_wait_us=MINUTE))
    assert of_model(store).saturated_us == {"requests": reserved.at_us - clock.now_us()}


def test_a_long_rest_counts_only_while_somebody_asks(make_store: MakeStore, clock: ManualClock) -> None:
    """A minute ahead and no further: nobody knows what comes after."""
    store = make_store(make_keys(["sk-a"]), clock)
    answer(store, Outcome.RATE_LIMITED, pause_us=3600 * SECOND)
    refused(store)
    assert of_model(store).saturated_us == {"requests": 60 * SECOND}
    clock.advance(100)
    refused(store)
    assert of_model(store).saturated_us == {"requests": 120 * SECOND}


@pytest.mark.parametrize(
    ("named", "unit"), [("tokens", "tokens"), ("requests", "requests"), (None, "requests")], ids=str
)
def test_the_rest_after_a_429_is_of_the_limit_that_it_named(
    make_store: MakeStore, clock: ManualClock, named: str | None, unit: str
) -> None:
    """Of requests if it named none, whether or not headers ever told the limits."""
    for pool, headers in (("bare", LimitReading()), ("told", LimitReading(reading(600, 599), reading(60_000, 59_000)))):
        store = make_store(make_keys(["sk-a"]), clock, pool=pool)
        answer(store, limits=headers)
        answer(store, Outcome.RATE_LIMITED, pause_us=20 * SECOND, limited_by=named)
        refused(store)
        assert of_model(store).saturated_us == {unit: 20 * SECOND}


def test_a_full_bucket_of_tokens_is_told_from_one_of_requests(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store(make_keys(["sk-a"]), clock)
    answer(store, limits=LimitReading(reading(60_000, 59_999), reading(6_000, 0)))
    reserved = take(store, ask(max_wait_us=MINUTE, tokens=500))
    assert of_model(store).saturated_us == {"tokens": reserved.at_us - clock.now_us()}


def test_a_request_that_may_not_use_every_key_cannot_tell(
    make_store: MakeStore, clock: ManualClock, keys: tuple[ApiKey, ...]
) -> None:
    a, b = keys
    store = make_store(keys, clock)
    lease = answer(store, Outcome.RATE_LIMITED, pause_us=20 * SECOND)
    other = next(key.key_id for key in (a, b) if key.key_id != lease.key_id)
    refused(store, ask(barred=frozenset({other})))
    assert of_model(store).saturated_us == {}


# --- room


def test_room_is_what_the_provider_s_bucket_holds(make_store: MakeStore, clock: ManualClock) -> None:
    (key,) = keys = make_keys(["sk-a"])
    store = make_store(keys, clock)
    answer(store, limits=LimitReading(reading(600, 500), reading(60_000, 30_000)))
    assert rooms(store) == [(key.group, "m", "requests", 600, 500), (key.group, "m", "tokens", 60_000, 30_000)]
    clock.advance(5)
    assert rooms(store) == [(key.group, "m", "requests", 600, 550), (key.group, "m", "tokens", 60_000, 35_000)]
    take(store, ask(tokens=1_000))
    assert rooms(store) == [(key.group, "m", "requests", 600, 549), (key.group, "m", "tokens", 60_000, 34_000)]
    clock.advance(3600)
    assert rooms(store) == [(key.group, "m", "requests", 600, 600), (key.group, "m", "tokens", 60_000, 60_000)]


def rooms(store: Store) -> list[tuple[object, ...]]:
    return [(r.group, r.model, r.unit, r.per_minute, pytest.approx(r.left, abs=0.01)) for r in store.figures().rooms]


def test_room_is_never_below_nothing_and_nothing_while_a_429_rests_the_key(
    make_store: MakeStore, clock: ManualClock
) -> None:
    (key,) = keys = make_keys(["sk-a"])
    store = make_store(keys, clock)
    answer(store, limits=NO_ROOM)
    while isinstance(store.acquire(ask(max_wait_us=2 * SECOND)), Lease):
        pass
    assert store.figures().rooms == (Room(key.group, "m", "requests", 600, 0.0),)
    clock.advance(60)
    answer(store, Outcome.RATE_LIMITED, pause_us=20 * SECOND, limits=limits(600, 600))
    assert store.figures().rooms == (Room(key.group, "m", "requests", 600, 0.0),)


def test_keys_of_one_group_share_their_room(make_store: MakeStore, clock: ManualClock) -> None:
    keys = make_keys(["sk-a", "sk-b", "sk-c"], "team=1,2")
    store = make_store(keys, clock)
    for _ in keys:
        answer(store, limits=limits(600, 599))
    assert sorted(room.group for room in store.figures().rooms) == sorted({key.group for key in keys})


# --- where it is kept


def test_counts_are_exact_however_many_ask_at_once(
    make_store: MakeStore, clock: ManualClock, keys: tuple[ApiKey, ...]
) -> None:
    store = make_store(keys, clock)
    for _ in keys:
        answer(store)

    def work() -> None:
        for _ in range(25):
            answer(store, usage=Usage(10, 3, 4), waited_us=7)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    calls = [call(store, key) for key in keys]
    assert sum(c.outcomes[Outcome.SUCCESS] for c in calls) == 102
    assert [sum(getattr(c, f) for c in calls) for f in ("input_tokens", "output_tokens", "microusd")] == [600, 400, 300]
    assert (sum(of_model(store).waits), of_model(store).waited_us) == (102, 700)


def test_whatever_is_counted_is_forgotten_a_week_after_its_key_was(
    make_store: MakeStore, clock: ManualClock, backend: Backend
) -> None:
    """Nothing stays on a server for ever."""
    if backend.connection is None:
        pytest.skip("a process forgets by ending")
    store = make_store(make_keys(["sk-a"]), clock)
    stream = answer(store, Outcome.RATE_LIMITED, pause_us=SECOND)
    refused(store)
    wait_until(clock, clock.now_us() + SECOND)
    store.spend(stream, Usage(1))
    lasting = [name for name in backend.connection.scan_iter() if backend.connection.ttl(name) < 0]
    assert lasting == []
