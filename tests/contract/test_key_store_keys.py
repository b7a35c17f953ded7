"""Keys can be replaced at run time, and their secrets never reach a server."""

import pytest

from app.clock import ManualClock
from app.keypool.keys import ApiKey, make_keys
from app.keypool.limits import LimitReading, MeterReading
from app.keypool.outcomes import Outcome
from app.keypool.spending import Budget, Cap, Spent, Usage
from app.keypool.stores.base import Later, NoCapacity, Settlement
from tests.plugins.redis_fixtures import TAG, Backend, MakeStore
from tests.plugins.store_steps import DAY, EMPTY, SECOND, answer, ask, of, reading, refused, take

LONG = tuple(f"sk-proj-{word * 6}{n:04d}" for n, word in enumerate(("Qwer", "Tyui", "Opas"), start=1))


@pytest.fixture
def keys() -> tuple[ApiKey, ...]:
    return make_keys(LONG)


def test_a_removed_key_gets_no_lease_while_its_request_finishes(
    make_store: MakeStore, clock: ManualClock, keys: tuple[ApiKey, ...]
) -> None:
    a, b, _ = keys
    store = make_store((a, b), clock)
    answer(store)
    answer(store)
    in_flight = take(store)
    used_at = clock.now_us()
    clock.advance(5)
    store.set_keys((b,))
    assert {answer(store).key_id for _ in range(4)} == {b.key_id}
    assert [(s.key_id, s.state) for s in store.snapshot()] == [(b.key_id, "closed"), (a.key_id, "draining")]
    assert (of(store, a).in_flight, of(store, a).mask) == (1, a.mask)
    store.settle(in_flight, Settlement(Outcome.SUCCESS))
    seen = of(store, a)
    assert (seen.state, seen.requests, seen.successes, seen.in_flight) == ("draining", 2, 2, 0)
    assert (seen.last_used_us, seen.circuit_open, seen.rate_limited) == (used_at, False, False)


def test_a_key_that_is_added_again_keeps_its_state(
    make_store: MakeStore, clock: ManualClock, keys: tuple[ApiKey, ...]
) -> None:
    a, b, _ = keys
    store = make_store((a, b), clock)
    answer(store, Outcome.INVALID_KEY)
    answer(store, request=ask(microusd=7))
    before = store.snapshot()
    store.set_keys((a,))
    store.set_keys((b,))
    store.set_keys((a, b))
    assert store.snapshot() == before
    assert (of(store, a).state, of(store, b).spent_today) == ("dead", Spent(1, 10, 7))
    assert {answer(store).key_id for _ in range(3)} == {b.key_id}


def test_a_new_key_is_verified_with_one_request(
    make_store: MakeStore, clock: ManualClock, keys: tuple[ApiKey, ...]
) -> None:
    a, b, c = keys
    store = make_store((a,), clock)
    answer(store, limits=EMPTY)
    store.set_keys((a, b, c))
    assert [take(store).key_id for _ in range(2)] == [b.key_id, c.key_id]
    assert isinstance(store.acquire(ask(max_wait_us=SECOND // 10)), Later)
    assert [s.key_id for s in store.snapshot()] == [k.key_id for k in keys]


def test_figures_have_the_order_of_the_configuration(
    make_store: MakeStore, clock: ManualClock, keys: tuple[ApiKey, ...]
) -> None:
    store = make_store(keys, clock)
    store.set_keys(keys[::-1])
    assert [s.key_id for s in store.snapshot()] == [k.key_id for k in keys[::-1]]
    assert [s.mask for s in store.snapshot()] == [k.mask for k in keys[::-1]]


def test_without_any_key_nothing_is_admitted(
    make_store: MakeStore, clock: ManualClock, keys: tuple[ApiKey, ...]
) -> None:
    store = make_store(keys[:1], clock)
    answer(store)
    store.set_keys(())
    assert isinstance(store.acquire(ask(max_wait_us=SECOND)), NoCapacity)
    assert [s.state for s in store.snapshot()] == ["draining"]


def test_a_key_that_moved_to_another_group_shares_its_quota(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store(make_keys(LONG), clock)
    store.set_keys(make_keys(LONG, "team=1,2"))
    keys = make_keys(LONG)
    only_a = ask(barred=frozenset(k.key_id for k in keys[1:]))
    answer(store, Outcome.QUOTA_EXHAUSTED, only_a)
    assert [of(store, k).state for k in keys] == ["no_quota", "no_quota", "closed"]


def test_a_new_key_is_shown_with_its_group_before_any_request(make_store: MakeStore, clock: ManualClock) -> None:
    """A server learns of the new key with the next request, but the store already applies its group's pause to it."""
    keys = make_keys(LONG, "team=1,2")
    store = make_store(keys[:1], clock)
    answer(store, Outcome.RATE_LIMITED)
    store.set_keys(keys)
    assert [s.state for s in store.snapshot()] == ["cooling", "cooling", "closed"]


def _run_of_everything(make_store: MakeStore, clock: ManualClock, keys: tuple[ApiKey, ...]) -> None:
    """Make the store write every kind of data (outcomes, a reservation, an open lease, budgets, a batch)."""
    store = make_store(keys, clock, budget=Budget(Cap(calls=1000), Cap(tokens=10**6), Cap(microusd=10**6)))
    both = LimitReading(MeterReading(600, 0, SECOND), reading(60_000, 59_900))
    for outcome in Outcome:
        for facts in ({"limits": both}, {"pause_us": SECOND, "usage": Usage(3, 2)}):
            clock.advance(400)
            lease = store.acquire(ask(max_wait_us=30 * SECOND, microusd=5, batch="b"))
            if isinstance(lease, (NoCapacity, Later)):
                continue
            sent = store.confirm(lease) if lease.reserved else lease
            if not isinstance(sent, (Later, type(None))):
                store.settle(sent, Settlement(outcome, **facts))  # type: ignore[arg-type]
                store.end_stream(sent, Usage(7, 7))
    clock.advance(7 * 3600)
    for _ in keys:
        answer(store, limits=both)
    open_lease, reserved = take(store, ask(model="other")), take(store, ask(max_wait_us=30 * SECOND))
    assert (open_lease.reserved, reserved.reserved) == (False, True)
    refused(store)
    store.set_keys(keys[:1])
    for key in keys:
        store.act(key.key_id, "disable")
        store.act(key.key_id, "probe")
    store.snapshot()


def _everything(backend: Backend) -> dict[bytes, bytes]:
    connection = backend.connection
    assert connection is not None
    read = {
        b"string": connection.get,
        b"hash": connection.hgetall,
        b"zset": lambda name: connection.zrange(name, 0, -1, withscores=True),
        b"set": connection.smembers,
        b"list": lambda name: connection.lrange(name, 0, -1),
        b"stream": connection.xrange,
    }
    return {name: repr(read[connection.type(name)](name)).encode() for name in connection.scan_iter(count=1000)}


def test_entries_on_a_server_expire_and_contain_no_part_of_a_secret(
    backend: Backend, make_store: MakeStore, clock: ManualClock, keys: tuple[ApiKey, ...]
) -> None:
    """The server gets only a key's mask: the prefix, three characters, and the last four."""
    _run_of_everything(make_store, clock, keys)
    if backend.connection is None:
        return
    entries = _everything(backend)
    assert len(entries) > 5
    assert all(name.startswith(f"{TAG}:pool".encode()) for name in entries)
    lifetimes = {name: backend.connection.ttl(name) for name in entries}
    longest = {f"{TAG}:pool:off".encode(): 400}
    assert {n: left for n, left in lifetimes.items() if not 0 < left <= longest.get(n, 40) * DAY // SECOND} == {}
    text = b"\n".join(name + b" " + value for name, value in entries.items())
    assert keys[0].key_id.encode() in text
    for secret in LONG:
        middle = secret[len("sk-proj-") + 3 : -4]
        parts = {middle[n : n + 6] for n in range(len(middle) - 5)} | {secret}
        assert [part for part in parts if part.encode() in text] == []
