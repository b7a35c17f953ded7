"""The counters of every key store, for metrics and reports."""

from collections.abc import Callable

import pytest

from app.clock import ManualClock
from app.keypool.figures import WAIT_BOUNDS_S, CallFigures, ModelFigures, PoolFigures, Unit
from app.keypool.keys import make_keys
from app.keypool.limits import LimitReading, MeterReading
from app.keypool.outcomes import Outcome
from app.keypool.spending import Budget, Cap, Usage
from app.keypool.stores.base import Later, Lease, Settlement, Store
from tests.plugins.redis_fixtures import ON_SERVERS, TAG, Backend, MakeStore
from tests.plugins.store_steps import (
    EMPTY,
    MINUTE,
    ONLY_B,
    SECOND,
    A,
    B,
    answer,
    ask,
    burst,
    limits,
    reading,
    refused,
    take,
)

SAME_GROUP = make_keys(["sk-a", "sk-b"], "team=1,2")


def calls_of(store: Store, key_id: str, model: str = "m") -> CallFigures:
    (found,) = [c for c in store.figures().calls if (c.key_id, c.model) == (key_id, model)]
    return found


def model_of(store: Store, model: str = "m") -> ModelFigures:
    (found,) = [m for m in store.figures().models if m.model == model]
    return found


def transitions_of(store: Store, key_id: str) -> dict[str, int]:
    return {**store.figures().transitions.get(key_id, {})}


def test_unused_keys_have_no_counts(pair: Store) -> None:
    assert pair.figures() == PoolFigures(pair.scope, {A.key_id: A.group, B.key_id: B.group}, (), {}, (), (), stopped={})


class ReloadingClock(ManualClock):
    """A clock that calls `reload` when it is next read."""

    reload: Callable[[], None] | None = None

    def now_us(self) -> int:
        reload, self.reload = self.reload, None
        if reload is not None:
            reload()
        return super().now_us()


@pytest.mark.parametrize("backend", ON_SERVERS, indirect=True)
def test_counts_stay_correct_if_keys_are_reloaded_during_a_call(make_store: MakeStore) -> None:
    clock = ReloadingClock()
    store = make_store([A], clock)
    answer(store)
    clock.reload = lambda: store.set_keys([B, A])
    assert store.figures().groups == {A.key_id: A.group}
    assert store.figures().groups == {B.key_id: B.group, A.key_id: A.group}
    assert [(c.key_id, c.outcomes) for c in store.figures().calls] == [(A.key_id, {Outcome.SUCCESS: 1})]


@pytest.mark.parametrize("outcome", Outcome)
def test_every_end_of_a_request_counts_once_for_its_key_and_model(store: Store, outcome: Outcome) -> None:
    """A second report of the same end is not counted."""
    lease = answer(store, outcome)
    store.settle(lease, Settlement(outcome))
    assert calls_of(store, A.key_id).outcomes == {outcome: 1}
    assert [(c.key_id, c.model) for c in store.figures().calls] == [(A.key_id, "m")]


def test_models_are_counted_separately_whatever_their_names(make_store: MakeStore, clock: ManualClock) -> None:
    """Names of fine-tuned models contain colons. A request for the list of models has an empty model name."""
    names = ["m", "ft:m:team:1", "a b", "", "what separates names from counts\x1fsuccess"]
    store = make_store([A], clock)
    for times, name in enumerate(names, start=1):
        for _ in range(times):
            answer(store, request=ask(model=name))
    counted = {c.model: c.outcomes[Outcome.SUCCESS] for c in store.figures().calls}
    assert counted == {name: times for times, name in enumerate(names, start=1)}
    assert {m.model for m in store.figures().models} == set(names)


def test_tokens_and_cost_are_those_of_the_responses(store: Store) -> None:
    """Estimates are not counted. The usage of a stream counts at its end, and a rejected request has none."""
    answer(store, request=ask(tokens=500), usage=Usage(30, 7, 10, 12))
    streamed = answer(store, request=ask(tokens=500))
    unbilled = answer(store, Outcome.REQUEST_FAULT, usage=Usage(1000, 1000, 1000, 500))
    before = calls_of(store, A.key_id)
    assert (before.input_tokens, before.output_tokens, before.microusd, before.cached_tokens) == (20, 10, 7, 12)
    store.end_stream(streamed, Usage(5, 2, 4, 1))
    after = calls_of(store, A.key_id)
    assert (after.input_tokens, after.output_tokens, after.microusd, after.cached_tokens) == (21, 14, 9, 13)
    assert unbilled.key_id == A.key_id


@pytest.mark.parametrize(
    ("waited_us", "position"),
    [(0, 0), (10_000, 0), (10_001, 1), (60 * SECOND, len(WAIT_BOUNDS_S) - 1), (60 * SECOND + 1, len(WAIT_BOUNDS_S))],
)
def test_a_wait_is_counted_in_the_first_bucket_that_includes_it(store: Store, waited_us: int, position: int) -> None:
    answer(store, waited_us=waited_us)
    found = model_of(store)
    assert [n for n, count in enumerate(found.waits) if count] == [position]
    assert (sum(found.waits), found.waited_us) == (1, waited_us)


def test_each_transition_of_a_key_is_counted_once(store: Store, clock: ManualClock) -> None:
    answer(store)
    leases = [take(store) for _ in range(5)]
    for lease in leases:
        store.settle(lease, Settlement(Outcome.SERVER_FAILURE))
    assert transitions_of(store, A.key_id) == {"open": 1}
    clock.advance(301)
    answer(store)
    assert transitions_of(store, A.key_id) == {"open": 1, "closed": 1}
    one, two = take(store), take(store)
    for lease in (one, two):
        store.settle(lease, Settlement(Outcome.INVALID_KEY))
    assert transitions_of(store, A.key_id) == {"open": 1, "closed": 1, "dead": 1}


def test_missing_quota_and_cooldowns_are_transitions_too(pair: Store) -> None:
    answer(pair, Outcome.QUOTA_EXHAUSTED)
    answer(pair, Outcome.RATE_LIMITED, pause_us=SECOND)
    assert sorted((transitions_of(pair, key.key_id) for key in (A, B)), key=str) == [{"cooling": 1}, {"no_quota": 1}]


def test_a_refusal_is_counted_by_its_reason(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store([A], clock, budget=Budget(batch=Cap(calls=0)))
    answer(store, limits=EMPTY)
    refused(store)
    refused(store, ask(batch="b"))
    refused(store, ONLY_B)
    assert model_of(store).refusals == {"no_capacity": 1, "budget": 1, "barred": 1}


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [(Outcome.INVALID_KEY, "dead"), (Outcome.QUOTA_EXHAUSTED, "quota"), (Outcome.FORBIDDEN, "forbidden")],
)
def test_each_key_state_is_counted_as_its_own_reason_of_refusal(store: Store, outcome: Outcome, reason: str) -> None:
    answer(store, outcome)
    refused(store)
    assert model_of(store).refusals == {reason: 1}
    assert model_of(store).saturated_us == {}, "keys out of rotation are not saturated"


def test_waiting_for_a_pending_response_is_not_a_refusal(store: Store) -> None:
    take(store)
    assert isinstance(store.acquire(ask(max_wait_us=SECOND)), Later)
    assert store.figures().models == ()


def test_a_released_reservation_is_not_counted_as_a_request(store: Store) -> None:
    answer(store, limits=EMPTY)
    reserved = take(store, ask(max_wait_us=MINUTE))
    assert reserved.reserved
    store.give_back(reserved)
    assert calls_of(store, A.key_id).outcomes == {Outcome.SUCCESS: 1}
    assert sum(model_of(store).waits) == 1


@pytest.mark.parametrize(
    ("unit", "pause_us", "first_us", "seconds", "then_us"),
    [("tokens", 20 * SECOND, 20 * SECOND, 5, 20 * SECOND), ("requests", 10 * MINUTE, MINUTE, 90, 2 * MINUTE)],
)
def test_time_without_capacity_is_counted_once_for_all_callers(
    store: Store, clock: ManualClock, *, unit: Unit, pause_us: int, first_us: int, seconds: int, then_us: int
) -> None:
    """Time without capacity begins with the first rejected request. For all callers together, it counts once.

    A rejected request adds at most a minute, because later demand is unknown.
    """
    answer(store, Outcome.RATE_LIMITED, pause_us=pause_us, limited_by=unit)
    assert model_of(store).saturated_us == {}
    for _ in range(3):
        refused(store)
    assert model_of(store).saturated_us == {unit: first_us}
    clock.advance(seconds)
    refused(store)
    assert model_of(store).saturated_us == {unit: then_us}


@pytest.mark.parametrize(
    ("headers", "unit"),
    [
        (LimitReading(requests=MeterReading(60, 0, MINUTE), tokens=reading(1_000_000, 1_000_000)), "requests"),
        (LimitReading(requests=reading(60_000, 60_000), tokens=MeterReading(600, 0, MINUTE)), "tokens"),
    ],
)
def test_saturation_names_the_exhausted_limit(store: Store, headers: LimitReading, unit: str) -> None:
    answer(store, limits=headers)
    burst(store)
    refused(store)
    assert list(model_of(store).saturated_us) == [unit]


@pytest.mark.parametrize("headers", [LimitReading(), LimitReading(reading(600, 599), reading(60_000, 59_000))])
def test_a_429_without_a_named_limit_counts_as_the_request_limit(store: Store, headers: LimitReading) -> None:
    answer(store, limits=headers)
    answer(store, Outcome.RATE_LIMITED, pause_us=20 * SECOND)
    refused(store)
    assert model_of(store).saturated_us == {"requests": 20 * SECOND}


def test_time_without_capacity_depends_on_the_size_of_the_request(store: Store, clock: ManualClock) -> None:
    answer(store, limits=LimitReading(tokens=reading(60_000, 30_000)))
    answer(store, request=ask(tokens=0))
    assert model_of(store).saturated_us == {}
    large = take(store, ask(tokens=60_000, max_wait_us=MINUTE))
    waits_us = large.at_us - clock.now_us()
    assert model_of(store).saturated_us == {"tokens": waits_us}
    assert waits_us == pytest.approx(30 * SECOND, rel=0.1)


def test_neither_a_request_with_barred_keys_nor_one_paused_key_counts_as_saturation(pair: Store) -> None:
    resting = answer(pair, Outcome.RATE_LIMITED, pause_us=20 * SECOND).key_id
    refused(pair, ask(barred=frozenset({A.key_id, B.key_id} - {resting})))
    for _ in range(3):
        answer(pair)
    assert model_of(pair).saturated_us == {}


def test_capacity_is_the_current_level_of_the_bucket(store: Store, clock: ManualClock) -> None:
    answer(store, limits=limits(600, 599))
    (capacity,) = store.figures().capacities
    assert (capacity.group, capacity.model, capacity.unit, capacity.per_minute) == (A.group, "m", "requests", 600)
    assert capacity.left == pytest.approx(599)
    for _ in range(5):
        take(store)
    assert store.figures().capacities[0].left == pytest.approx(594)
    clock.advance(0.2)
    assert store.figures().capacities[0].left == pytest.approx(596)
    clock.advance(3600)
    assert store.figures().capacities[0].left == pytest.approx(600), "a bucket must not exceed its capacity"


def test_a_paused_group_has_no_capacity(store: Store, clock: ManualClock) -> None:
    answer(store, limits=limits(600, 599))
    answer(store, Outcome.RATE_LIMITED, pause_us=20 * SECOND)
    assert [of.left for of in store.figures().capacities] == [0]
    clock.advance(20)
    assert store.figures().capacities[0].left > 0


def test_a_removed_key_keeps_its_counts_and_has_no_capacity(pair: Store) -> None:
    for _ in (A, B):
        answer(pair, limits=limits(600, 599))
    pair.set_keys([B])
    assert [of.group for of in pair.figures().capacities] == [B.group]
    assert isinstance(pair.acquire(ask()), Lease)
    assert list(pair.figures().groups) == [B.key_id, A.key_id]
    assert calls_of(pair, A.key_id).outcomes == {Outcome.SUCCESS: 1}


def test_keys_of_one_group_share_their_capacity(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store(SAME_GROUP, clock)
    for _ in SAME_GROUP:
        answer(store, limits=LimitReading(reading(600, 590), reading(60_000, 50_000)))
    assert [(of.group, of.unit) for of in store.figures().capacities] == [("team", "requests"), ("team", "tokens")]
    assert set(store.figures().groups.values()) == {"team"}


def test_stores_of_one_pool_share_their_counts(make_store: MakeStore, clock: ManualClock) -> None:
    one, other = make_store([A], clock), make_store([A], clock)
    if one.scope == "process":
        answer(one)
        assert other.figures().calls == ()
        return
    answer(one)
    answer(other)
    assert calls_of(one, A.key_id) == calls_of(other, A.key_id)
    assert calls_of(one, A.key_id).outcomes == {Outcome.SUCCESS: 2}


@pytest.mark.parametrize("backend", ON_SERVERS, indirect=True)
def test_counts_expire_even_if_the_end_of_a_stream_is_the_first_write_to_an_empty_server(
    store: Store, backend: Backend
) -> None:
    assert backend.connection is not None
    stream = answer(store, Outcome.RATE_LIMITED, pause_us=SECOND)
    backend.connection.flushdb()
    store.end_stream(stream, Usage(1))
    names = list(backend.connection.scan_iter())
    assert names
    assert [name for name in names if backend.connection.ttl(name) < 0] == []


@pytest.mark.parametrize("backend", ON_SERVERS, indirect=True)
def test_a_server_removes_expired_keys_from_its_list(
    make_store: MakeStore, clock: ManualClock, backend: Backend
) -> None:
    """Otherwise each snapshot would read all keys that ever existed."""
    assert backend.connection is not None
    store = make_store([A, B], clock)
    for _ in (A, B):
        answer(store)
    backend.connection.delete(f"{TAG}:pool:k:{A.key_id}")  # as if a week had passed
    store.set_keys([B])
    answer(store)
    assert backend.connection.zrange(f"{TAG}:pool:keys", 0, -1) == [B.key_id.encode()]


@pytest.mark.parametrize("backend", ON_SERVERS, indirect=True)
def test_a_server_stores_the_hundred_newest_models_for_a_week(
    make_store: MakeStore, clock: ManualClock, backend: Backend
) -> None:
    """Callers may send any number of model names. A dropped model loses its history."""
    assert backend.connection is not None
    store = make_store([A], clock)
    answer(store)
    for n in range(130):
        clock.advance(0.001)
        answer(store, request=ask(model=f"guessed-{n}"))
    known = {model.model for model in store.figures().models}
    assert known == {f"guessed-{n}" for n in range(30, 130)}
    answer(store, request=ask(model="guessed-3"), limits=EMPTY)
    assert refused(store, ask(model="guessed-3")).reason == "no_capacity"
    clock.advance(7 * 86_400 + 1)
    answer(store)
    assert {model.model for model in store.figures().models} == {"m"}
