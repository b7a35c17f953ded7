"""An operator's actions on one key: disable, enable, and probe."""

import pytest

from app.clock import ManualClock
from app.keypool.keys import ApiKey, make_keys
from app.keypool.outcomes import Outcome
from app.keypool.snapshots import ActionResult
from app.keypool.stores.base import Lease, NoCapacity, Settlement, Store
from app.keypool.stores.redis import RedisStore
from tests.plugins.redis_fixtures import TAG, Backend, MakeStore
from tests.plugins.store_steps import (
    DAY,
    EMPTY,
    HOUR,
    KEYS,
    ONLY_A,
    ONLY_B,
    SECOND,
    A,
    B,
    answer,
    ask,
    of,
    refused,
    take,
    wait_until,
)


@pytest.fixture
def store(make_store: MakeStore, clock: ManualClock) -> Store:
    return make_store(KEYS, clock)


def _open(store: Store, key: ApiKey = A) -> None:
    for _ in range(3):
        answer(store, Outcome.SERVER_FAILURE, ask(barred=frozenset(k.key_id for k in KEYS if k != key)))


def test_a_disabled_key_gets_no_request_while_running_ones_finish(store: Store) -> None:
    answer(store)
    answer(store)
    in_flight = take(store, ONLY_A)
    assert store.act(A.key_id, "disable") == ActionResult("done", "disabled")
    assert {answer(store).key_id for _ in range(4)} == {B.key_id}
    assert (of(store, A).state, of(store, A).in_flight, of(store, A).circuit_open) == ("disabled", 1, True)
    store.settle(in_flight, Settlement(Outcome.SUCCESS))
    assert (of(store, A).in_flight, of(store, A).successes) == (0, 2)
    assert {answer(store).key_id for _ in range(4)} == {B.key_id}


def test_a_disabled_key_is_not_used_as_a_last_resort(store: Store, clock: ManualClock) -> None:
    store.act(A.key_id, "disable")
    _open(store, B)
    for _ in range(3):
        lease = answer(store, Outcome.SERVER_FAILURE)
        assert (lease.key_id, lease.last_resort) == (B.key_id, True)
        clock.advance(60)
    store.act(B.key_id, "disable")
    assert isinstance(store.acquire(ask(max_wait_us=30 * SECOND)), NoCapacity)


def test_the_reason_of_a_refusal_is_disabled_if_all_keys_are(store: Store) -> None:
    """A disabled key with a request in flight does not change the reason."""
    take(store, ONLY_A)
    for key in KEYS:
        store.act(key.key_id, "disable")
    refusal = NoCapacity(60_000_000, "disabled")
    assert store.acquire(ask()) == store.acquire(ask(max_wait_us=30 * SECOND)) == refusal
    assert [(model.model, dict(model.refusals)) for model in store.figures().models] == [("m", {"disabled": 2})]


def test_disabled_keys_do_not_determine_the_reason_of_a_refusal(store: Store) -> None:
    answer(store, Outcome.INVALID_KEY, ONLY_A)
    assert refused(store, ONLY_A).reason == "barred"
    store.act(B.key_id, "disable")
    assert refused(store).reason == "dead"


def test_a_reservation_of_a_disabled_key_is_not_confirmed(store: Store, clock: ManualClock) -> None:
    answer(store, request=ONLY_A, limits=EMPTY)
    reserved = take(store, ask(max_wait_us=30 * SECOND, barred=ONLY_A.barred))
    assert reserved.reserved
    store.act(A.key_id, "disable")
    wait_until(clock, reserved.at_us)
    assert store.confirm(reserved) is None
    assert (of(store, A).requests, of(store, A).in_flight) == (1, 0)


def test_an_enabled_key_has_its_earlier_state(store: Store, clock: ManualClock) -> None:
    """The circuit of the enabled key is still open, and its probe is due at the original time."""
    _open(store)
    answer(store)
    store.act(A.key_id, "disable")
    clock.advance(299)
    assert store.act(A.key_id, "enable") == ActionResult("done", "open")
    assert {answer(store).key_id for _ in range(3)} == {B.key_id}
    clock.advance(1)
    assert take(store).key_id == A.key_id


def test_a_response_changes_the_state_of_a_disabled_key(store: Store, clock: ManualClock) -> None:
    answer(store, request=ONLY_A)
    in_flight = take(store, ONLY_A)
    store.act(A.key_id, "disable")
    store.settle(in_flight, Settlement(Outcome.INVALID_KEY))
    assert {answer(store).key_id for _ in range(3)} == {B.key_id}
    assert of(store, A).state == "disabled"
    assert store.act(A.key_id, "enable").state == "dead"


def test_a_disabled_key_is_not_probed(store: Store) -> None:
    answer(store)
    _open(store)
    store.act(A.key_id, "disable")
    assert store.act(A.key_id, "probe") == ActionResult("nothing", "disabled")
    assert store.act(A.key_id, "enable") == ActionResult("done", "open")


def test_a_disabled_key_that_is_removed_and_added_again_is_still_disabled(store: Store) -> None:
    answer(store, request=ONLY_A)
    store.act(A.key_id, "disable")
    store.set_keys((B,))
    assert of(store, A).state == "draining"
    store.set_keys(KEYS)
    assert of(store, A).state == "disabled"
    assert {answer(store).key_id for _ in range(4)} == {B.key_id}


def test_a_key_can_be_disabled_before_it_is_configured(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store((B,), clock)
    answer(store)
    assert store.act(A.key_id, "probe") == ActionResult("nothing", "draining")
    assert store.act(A.key_id, "disable") == ActionResult("done", "draining")
    store.set_keys(KEYS)
    assert {answer(store).key_id for _ in range(4)} == {B.key_id}


def test_disabling_is_stored_for_more_than_a_year(backend: Backend, make_store: MakeStore, clock: ManualClock) -> None:
    """The other state of a key expires after a week. A process that starts renews the expiry of the disabled keys."""
    if backend.connection is None:
        return  # a memory store does not outlive its process
    name = f"{TAG}:pool:off"
    make_store(KEYS, clock).act(A.key_id, "disable")
    assert backend.connection.ttl(name) > 399 * DAY // SECOND
    backend.connection.expire(name, 1000)
    answer(make_store(KEYS, clock))
    assert backend.connection.ttl(name) > 399 * DAY // SECOND


def test_an_outdated_process_does_not_disable_an_enabled_key(
    backend: Backend, make_store: MakeStore, clock: ManualClock
) -> None:
    """When a process reconnects, it reports the keys that it knows as disabled, which may be outdated."""
    if backend.connection is None:
        return  # a memory store serves only one process
    store = make_store(KEYS, clock)
    store.act(A.key_id, "disable")
    store.act(A.key_id, "enable")
    outdated: dict[str, list[str]] = {"learned": [], "verified": [], "spent": [], "disabled": [A.key_id]}
    reconnected = RedisStore(KEYS, "round_robin", backend.connection, clock=clock, learned=lambda: outdated)
    reconnected.register()
    assert of(store, A).state == "closed"
    backend.connection.flushdb()
    reconnected.register()
    assert of(store, A).state == "disabled", "a server without data uses the reported state"


def test_many_disabled_keys_do_not_hide_an_enabled_one(make_store: MakeStore, clock: ManualClock) -> None:
    keys = make_keys([f"sk-{n}" for n in range(100)])
    store = make_store(keys, clock)
    for key in keys[:99]:
        store.act(key.key_id, "disable")
    assert {answer(store).key_id for _ in range(3)} == {keys[99].key_id}
    for key in keys[:99]:
        store.act(key.key_id, "enable")
    others = ask(barred=frozenset({keys[99].key_id}))
    assert {take(store, others).key_id for _ in range(99)} == {key.key_id for key in keys[:99]}


def test_a_probe_sends_the_next_request_with_an_open_key(store: Store) -> None:
    _open(store)
    answer(store)
    assert isinstance(store.acquire(ONLY_A), NoCapacity)
    assert store.act(A.key_id, "probe") == ActionResult("done", "half_open")
    probe = take(store)
    assert (probe.key_id, probe.probe) == (A.key_id, True)
    assert isinstance(store.acquire(ONLY_A), NoCapacity)
    assert store.settle(probe, Settlement(Outcome.SUCCESS)).closed
    assert of(store, A).state == "closed"


def test_a_probe_sends_the_next_request_with_a_dead_key(store: Store) -> None:
    answer(store, Outcome.INVALID_KEY, ONLY_A)
    answer(store)
    assert {answer(store).key_id for _ in range(3)} == {B.key_id}
    assert store.act(A.key_id, "probe") == ActionResult("done", "dead")
    assert answer(store, Outcome.INVALID_KEY).key_id == A.key_id
    assert {answer(store).key_id for _ in range(3)} == {B.key_id}
    assert of(store, A).state == "dead"


def test_a_probe_sends_the_next_request_with_a_group_without_quota(make_store: MakeStore, clock: ManualClock) -> None:
    a, b, c = keys = make_keys(["sk-a", "sk-b", "sk-c"], "team=1,2")
    store = make_store(keys, clock)
    answer(store, request=ask(barred=frozenset({a.key_id, c.key_id})))
    answer(store, request=ask(barred=frozenset({a.key_id, b.key_id})))
    answer(store, Outcome.QUOTA_EXHAUSTED, ask(barred=frozenset({b.key_id, c.key_id})))
    assert {answer(store).key_id for _ in range(3)} == {c.key_id}
    assert store.act(a.key_id, "probe") == ActionResult("done", "no_quota")
    probe = take(store, ask(barred=frozenset({a.key_id})))
    assert (probe.key_id, probe.probe) == (b.key_id, True)
    assert {answer(store).key_id for _ in range(3)} == {c.key_id}
    store.settle(probe, Settlement(Outcome.SUCCESS))
    assert [of(store, key).state for key in keys] == ["closed"] * 3


@pytest.mark.parametrize(
    ("outcome", "times", "wait_us"),
    [(Outcome.SERVER_FAILURE, 3, 300 * SECOND), (Outcome.QUOTA_EXHAUSTED, 1, HOUR)],
    ids=["key", "group"],
)
def test_a_failed_probe_does_not_prolong_the_wait(
    store: Store, clock: ManualClock, outcome: Outcome, times: int, wait_us: int
) -> None:
    answer(store, request=ONLY_B)
    for _ in range(times):
        answer(store, outcome, ONLY_A)
    for _ in range(5):
        clock.advance(10)
        assert store.act(A.key_id, "probe").effect == "done"
        answer(store, outcome, ONLY_A)
    wait_until(clock, clock.now_us() + wait_us - 1)
    assert isinstance(store.acquire(ONLY_A), NoCapacity)
    wait_until(clock, clock.now_us() + 1)
    take(store, ONLY_A)


def test_a_probe_has_no_effect_on_a_healthy_key(store: Store) -> None:
    answer(store)
    answer(store)
    before = store.snapshot()
    assert store.act(A.key_id, "probe") == ActionResult("nothing", "closed")
    answer(store, Outcome.RATE_LIMITED, ONLY_A)
    assert store.act(A.key_id, "probe") == ActionResult("nothing", "cooling")
    assert isinstance(store.acquire(ONLY_A), NoCapacity)
    assert before[1] == of(store, B)


def test_a_probe_that_is_due_or_running_is_not_requested_again(store: Store, clock: ManualClock) -> None:
    answer(store)
    _open(store)
    store.act(A.key_id, "probe")
    assert store.act(A.key_id, "probe") == ActionResult("nothing", "half_open")
    take(store, ONLY_A)
    assert store.act(A.key_id, "probe") == ActionResult("under_way", "half_open")
    clock.advance(120)
    assert isinstance(store.acquire(ONLY_A), Lease)
