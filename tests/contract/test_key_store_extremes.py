"""Many keys out of rotation, and a server clock that changes with a failover."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from app.clock import ManualClock
from app.keypool.breaker import Policy
from app.keypool.keys import ApiKey, make_keys
from app.keypool.limits import LimitReading, MeterReading
from app.keypool.outcomes import Outcome
from app.keypool.stores.base import Later, Lease, Store
from tests.plugins.redis_fixtures import MakeStore
from tests.plugins.store_steps import SECOND, answer, ask, refused, take

#: This many keys are more than one admission reads.
MANY = 100


def _open_circuit(store: Store, key: ApiKey, keys: tuple[ApiKey, ...]) -> None:
    others = frozenset(other.key_id for other in keys if other is not key)
    for _ in range(Policy().failure_threshold):
        answer(store, Outcome.SERVER_FAILURE, ask(barred=others))


@pytest.mark.parametrize("position", [0, MANY // 2, MANY - 1])
def test_the_only_healthy_key_among_many_open_circuits_is_found(
    make_store: MakeStore, clock: ManualClock, position: int
) -> None:
    """The index wrongly lists all other keys as usable. Each request corrects a part of the index."""
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
    """The clock of a server. It jumps by `ahead_us` when another server takes over."""

    first: ManualClock
    ahead_us: int = 0

    def now_us(self) -> int:
        return self.first.now_us() + self.ahead_us


def test_a_clock_set_back_delays_requests_by_the_difference(make_store: MakeStore, clock: ManualClock) -> None:
    """The limit is 60 per minute with a burst of ten. The burst is used up before the clock jumps back a minute."""
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
